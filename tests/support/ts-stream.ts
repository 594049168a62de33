/** A real MPEG-TS output: a clip through the whole pipeline, its segments as a channel would hold them. */
import type { ModelHost } from "../../src/engine/inference/model-host.ts";
import type { AudioMode } from "../../src/engine/protocol/work.ts";
import { tsSegments } from "./clip.ts";
import { ClipRun } from "./clip-pipeline.ts";
import type { ReadMedia } from "./clip-reader.ts";
import { type SyntheticOptions, synthetic } from "./clip-synthetic.ts";

const PARTS = [{ width: 128, height: 96, frames: 240 }];

export interface TsStreamOptions {
  /** The clip's sound; absent: none. */
  readonly sound?: { readonly codec: "aac" | "opus"; readonly channels?: number };
  /** What the stream asks for. Default auto. */
  readonly audio?: AudioMode;
  /** Consecutive B-frames of the input. */
  readonly bFrames?: number;
  /** First stamp in ticks; default 1 s. */
  readonly start?: number;
  /** Sizes that follow each other; default 240 frames of one. */
  readonly parts?: SyntheticOptions["parts"];
}

export interface TsStream {
  readonly input: ReadMedia;
  readonly run: ClipRun;
}

/** Frames of 30 a second, in segments of two seconds. */
export async function tsStream(host: ModelHost, options: TsStreamOptions = {}): Promise<TsStream> {
  const { sound, audio, bFrames, start = 90_000, parts = PARTS } = options;
  const input = await synthetic({
    parts,
    start,
    ...(sound && { audio: sound }),
    ...(bFrames && { bFrames }),
  });
  const run = new ClipRun({
    segments: tsSegments(input, { restartCounters: true }),
    host,
    params: { model: "identity" },
    pipeline: { container: "mpegts", segmentSeconds: 2 },
    ...(audio && { audio }),
  });
  await run.pipeline.run();
  return { input, run };
}
