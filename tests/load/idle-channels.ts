/** Opens channels of the embedded trickle server whose readers wait and whose publishers send nothing. */
import { waitFor } from "../support/wait-for.ts";
import { backToBefore, type Load } from "./load.ts";

const ASKED = 200;
const SECONDS = 20;

export const idleChannels: Load = {
  name: "200 idle trickle channels",
  description: `${ASKED} channels are asked for; each that is made gets two readers that wait and a publisher that sends nothing, for ${SECONDS} s`,
  async run({ server }) {
    const stop = new AbortController();
    const { signal } = stop;
    const url = (n: number) => `${server.url}/trickle/idle-${n}`;
    const statuses: number[] = [];
    const made: number[] = [];
    for (let n = 0; n < ASKED; n++) {
      const { status } = await fetch(url(n), { method: "POST" });
      statuses.push(status);
      if (status === 200) made.push(n);
    }
    const ended: string[] = [];
    const hold = (what: string, request: Promise<Response>) =>
      request.then(
        ({ status }) => ended.push(`${what}: ${status}`),
        () => {
          if (!signal.aborted) ended.push(`${what}: cut off`);
        },
      );
    const open = made.flatMap((n) => [
      hold("reader", fetch(`${url(n)}/-1`, { signal })),
      hold("reader", fetch(`${url(n)}/0`, { signal })),
      hold("publisher", fetch(`${url(n)}/0`, { method: "POST", body: silent(signal), signal })),
    ]);
    const waiting = () => openRequests(server.url);
    let early: string[] = [];
    try {
      await waitFor("all requests", async () => (await waiting()) >= open.length, 30_000);
      await Bun.sleep(SECONDS * 1000);
      early = [...ended];
    } finally {
      stop.abort();
    }
    await Promise.all(open);
    for (const n of made) await fetch(url(n), { method: "DELETE" });
    const refused = statuses.filter((status) => status === 429).length;
    return [
      {
        what: "a quarter of the 128 channels is left to the server's own streams; the others are refused with 429",
        measured: `${made.length} made, ${refused} × 429`,
        holds: made.length > 0 && made.length <= 96 && made.length + refused === ASKED,
      },
      {
        what: "readers and publishers wait undisturbed",
        measured: `${open.length} requests waited, ${early.length} ended by themselves`,
        holds: early.length === 0,
      },
    ];
  },
  after: (scene, before) => backToBefore(scene, before, { withinMs: 30_000 }),
};

/** A body that begins and never goes on, until the signal aborts. */
function silent(signal: AbortSignal): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      signal.addEventListener("abort", () => controller.error(signal.reason), { once: true });
    },
  });
}

/** Requests for segments that the server has open, as its metrics have it. */
async function openRequests(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^\w*trickle\w*requests\w*(?:\{[^}]*\})? (\d+)/m.exec(metrics)?.[1] ?? 0);
}
