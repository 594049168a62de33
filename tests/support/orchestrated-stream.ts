/** Runs a stream between channels that another side made, as an orchestrator does, with its trickle server in this process. */
import { EngineMeter } from "../../src/engine/metrics/engine-meter.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { WorkReport } from "../../src/engine/protocol/messages.ts";
import type { OutputChannel, StreamParams, StreamSpec } from "../../src/engine/protocol/work.ts";
import { StreamWork, type StreamWorkOptions } from "../../src/engine/work/stream-work.ts";
import type { TrickleServerOptions } from "../../src/trickle/server/trickle-server.ts";
import { tsSegments } from "./clip.ts";
import { type SyntheticOptions, synthetic } from "./clip-synthetic.ts";
import { OnnxWorkspace } from "./onnx-workspace.ts";
import { publisherTo } from "./trickle-channel.ts";
import { hostTrickle } from "./trickle-host.ts";
import { waitFor } from "./wait-for.ts";

export interface OrchestratedOptions {
  /** Default `given`. */
  readonly lifecycle?: OutputChannel["lifecycle"];
  readonly spec?: Partial<StreamSpec>;
  readonly params?: Partial<StreamParams>;
  readonly timing?: StreamWorkOptions["outputTiming"];
  readonly trickle?: Partial<TrickleServerOptions>;
}

/** A host with channels made beforehand, and one stream between them that the test runs. */
export async function orchestrated(
  sides: { input?: string; output?: string },
  made: string[],
  { lifecycle = "given", ...options }: OrchestratedOptions = {},
) {
  const trickle = hostTrickle({ autoCreate: false, ...options.trickle }, 0, "trusted");
  for (const channel of made) await fetch(trickle.url(channel), { method: "POST" });
  const workspace = await OnnxWorkspace.create();
  const host = await workspace.host();
  const sent: WorkReport[] = [];
  const spec: StreamSpec = {
    ...(sides.input && { input: { url: trickle.url(sides.input) } }),
    ...(sides.output && {
      output: { endpoint: { url: trickle.url(sides.output) }, lifecycle },
    }),
    container: "mpegts",
    segment_seconds: 1,
    audio: "auto",
    ...options.spec,
  };
  const stream = new StreamWork({
    calls: UNRECORDED_CALLS,
    meter: new EngineMeter(),
    id: "s",
    revision: 0,
    spec,
    params: {
      prompts: [],
      model: "identity",
      fit: "cover",
      paused: false,
      model_params: {},
      ...options.params,
    },
    host,
    // All frames of a clip, however busy the machine is.
    engine: { device: "cpu", workspace: "/nonexistent", frame_queue: 64, max_frame_age_ms: 60_000 },
    send: (message) => void sent.push(message),
    ...(options.timing && { outputTiming: options.timing }),
  });
  const typesSent = (): string[] => sent.map(({ type }) => type);
  return {
    trickle,
    host,
    stream,
    sent,
    typesSent,
    async [Symbol.asyncDispose]() {
      stream.stop();
      await waitFor("the end", () => typesSent().includes("ended"));
      await host[Symbol.asyncDispose]();
      await trickle[Symbol.asyncDispose]();
      await workspace[Symbol.asyncDispose]();
    },
  };
}

const CLIP: SyntheticOptions = {
  parts: [{ width: 128, height: 96, frames: 60 }],
  audio: { codec: "opus" },
};

/** Publishes video, by default two seconds with sound; the channel stays open. */
export async function publishClip(url: string, clip = CLIP): Promise<void> {
  const media = await synthetic(clip);
  const publisher = await publisherTo(url);
  const writer = publisher.writable.getWriter();
  for (const data of tsSegments(media)) await writer.write({ data, first: true, last: true });
  await writer.close();
}
