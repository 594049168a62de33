/** Faults of native code: a decoder, a run of a model or its load crashes or does not return. */
import type { ReadMedia, ReadPacket } from "../../support/clip-reader.ts";
import { type DECODER_MARKERS, markerSei } from "../../support/decoder-marker.ts";
import { addModel } from "../../support/onnx-workspace.ts";
import { SPINNING, spinningModel } from "../../support/spinning-model.ts";
import { waitFor } from "../../support/wait-for.ts";
import type { Fault, FaultSite } from "../rig/fault.ts";
import { BLOW, RESUMES_MS } from "./engine-faults.ts";
import { order, withdraw } from "./orders.ts";

/** The server looks four times a second whether calls have missed their deadlines. */
const LOOK_MS = 2000;
const DECODE_MS = 10_000;
const RUN_MS = 5000;
const LOAD_MS = 4000;

/** More steps than a model makes in a day. */
const ENDLESS = 1e15;
const LONG_LOAD = { ...SPINNING.inputs, spins: { ...SPINNING.inputs.spins, default: ENDLESS } };

/** What faults of a model's runs need: a stream of the spinning model. */
const SPUN: Pick<Fault, "victim" | "params" | "prepare"> = {
  victim: "seed",
  params: { model: "spinning" },
  prepare: ({ workspace }) => addModel(workspace, "spinning", SPINNING, spinningModel()),
};

export const NATIVE_FAULTS: readonly Fault[] = [
  {
    ...BLOW,
    name: "decoder: crashes at one picture",
    resumeWithinMs: 1000 + RESUMES_MS,
    inject: (site) => sendMarked(site, "crash"),
  },
  {
    ...BLOW,
    name: "decoder: hangs at one picture",
    resumeWithinMs: 1000 + DECODE_MS + LOOK_MS + RESUMES_MS,
    inject: (site) => sendMarked(site, "hang"),
  },
  {
    ...BLOW,
    name: "model: one run never ends",
    lastsMs: 1000,
    resumeWithinMs: RUN_MS + LOOK_MS + RESUMES_MS,
    ...SPUN,
    phases: ["running", "stopping"],
    inject: async (site) => {
      await beginEndlessRun(site);
      return async () => {
        const { status } = await site.worker.api.stream(site.stream?.id ?? "");
        if (status === "active") await setSpins(site, 0);
      };
    },
  },
  {
    ...BLOW,
    name: "model: no run ends",
    resumeWithinMs: null,
    end: "model_failed",
    showsWithinMs: 3 * (RUN_MS + LOOK_MS + RESUMES_MS),
    ...SPUN,
    phases: ["running"],
    inject: async (site) => {
      await beginEndlessRun(site);
      return async () => {};
    },
  },
  {
    ...BLOW,
    name: "model: a load never ends",
    resumeWithinMs: null,
    end: "model_failed",
    showsWithinMs: 2 * (LOAD_MS + LOOK_MS + RESUMES_MS),
    phases: ["running"],
    victim: "seed",
    prepare: async (worker) => {
      await addModel(
        worker.workspace,
        "stuck",
        { ...SPINNING, inputs: LONG_LOAD },
        spinningModel(),
      );
      await order(worker, "load-deadline", String(LOAD_MS));
      process.kill(await worker.enginePid(), "SIGKILL");
      await waitFor("an engine", async () => (await worker.engines())[0]?.state !== "ready");
      await worker.ready();
    },
    inject: async ({ worker, stream }) => {
      await worker.api.params(stream?.id ?? "", { model: "stuck" });
      return async () => await withdraw(worker, "load-deadline");
    },
  },
];

/** The next segment has a picture at which the decoder misbehaves. */
async function sendMarked({ input }: FaultSite, fault: keyof typeof DECODER_MARKERS) {
  let isSent = false;
  input?.replace((segment, _n, { media, mux }) => {
    const bytes = isSent ? segment : mux(marked(media, fault));
    isSent = true;
    return [bytes];
  });
  await waitFor("the marked segment", () => isSent);
  return async () => input?.restore();
}

function marked({ video, audio }: ReadMedia, fault: keyof typeof DECODER_MARKERS): ReadMedia {
  const mark = (packet: ReadPacket, index: number): ReadPacket =>
    index === 7 ? { ...packet, data: Buffer.concat([markerSei(fault), packet.data]) } : packet;
  return { video: video && { ...video, packets: video.packets.map(mark) }, audio };
}

async function beginEndlessRun(site: FaultSite): Promise<void> {
  await setSpins(site, ENDLESS);
  await waitFor("the run to hang", async () => {
    const { calls } = await site.worker.api.debug(site.stream?.id ?? "");
    const all: readonly { readonly kind: string; readonly for_ms: number }[] = calls;
    return all.some(({ kind, for_ms }) => kind === "run" && for_ms >= 1000);
  });
}

const setSpins = async ({ worker, stream }: FaultSite, spins: number): Promise<void> =>
  await worker.api.params(stream?.id ?? "", { spins });
