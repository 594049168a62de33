/** Sends picture jobs whose bodies are as large as the server accepts. */
import { buildPng } from "../support/png-builder.ts";
import { type ClientsReport, otherStatuses, runClients } from "./clients.ts";
import { backToBefore, type Load, ms } from "./load.ts";
import type { Scene } from "./scene.ts";

const SECONDS = 10;
/** The C library keeps the memory of the last pictures for the next ones: some 400 MiB, however many they are. */
const WARM_UP_SECONDS = 10;
const MIB = 1024 * 1024;
/** The data URI of noise is then just below 32 MiB. */
const SIDE = 2860;

/** `picture`: see `noisePicture`. */
export const largePictures = (picture: string): Load => ({
  name: "picture jobs of 32 MiB",
  description: `pictures of ${SIDE} × ${SIDE}, in bodies of just below 32 MiB, go through a model one after the other for ${SECONDS} s; every other body is too large`,
  warmUp: (scene) => sendPictures(scene, picture, WARM_UP_SECONDS),
  async run(scene) {
    const report = await sendPictures(scene, picture, SECONDS);
    return [
      {
        what: "each is answered: 200, and 413 beyond the limit",
        measured: `${report.answered} bodies, ${(bodyOf(picture).length / MIB).toFixed(1)} MiB and 4 MiB more; ${otherStatuses(report)}; p50 ${ms(report.p50)}, p99 ${ms(report.p99)}`,
        holds: report.answered > 1 && Object.keys(report.unexpected).length === 0,
      },
    ];
  },
  after: (scene, before) => backToBefore(scene, before, { withinMs: 30_000 }),
});

const bodyOf = (picture: string): string =>
  JSON.stringify({ image: picture, model: "identity", width: 64, height: 64 });

async function sendPictures(
  { server }: Scene,
  picture: string,
  seconds: number,
): Promise<ClientsReport> {
  const body = bodyOf(picture);
  const job = { method: "POST", path: "/c/comfystream-image" } as const;
  return await runClients({
    url: server.url,
    clients: 1,
    seconds,
    paceMs: 0,
    requests: [
      { ...job, body, status: 200 },
      { ...job, body: body + " ".repeat(4 * MIB), status: 413 },
    ],
  });
}

/** A PNG of noise, which cannot be compressed, as a data URI. Takes seconds. */
export function noisePicture(): string {
  const rows = Array.from({ length: SIDE }, () =>
    Array.from(crypto.getRandomValues(new Uint8Array(3 * SIDE))),
  );
  const png = buildPng({ width: SIDE, height: SIDE, rows });
  return `data:image/png;base64,${png.toString("base64")}`;
}
