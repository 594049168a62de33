/** Makes real MPEG-TS output: runs a clip through the whole pipeline and returns the segments. */
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import type { AudioMode } from "../../src/engine/protocol/work.ts";
import { tsSegments } from "./clip.ts";
import { ClipRun } from "./clip-pipeline.ts";
import type { ReadMedia } from "./clip-reader.ts";
import { type SyntheticOptions, synthetic } from "./clip-synthetic.ts";

const PARTS = [{ width: 128, height: 96, frames: 240 }];

export interface TsStreamOptions {
  /** The clip's sound; default none. */
  readonly sound?: { readonly codec: "aac" | "opus"; readonly channels?: number };
  /** The stream's `audio` parameter; default auto. */
  readonly audio?: AudioMode;
  /** Number of consecutive B-frames in the input. */
  readonly bFrames?: number;
  /** First timestamp in ticks; default 1 s. */
  readonly start?: number;
  /** Consecutive sizes; default 240 frames of one size. */
  readonly parts?: SyntheticOptions["parts"];
}

export interface TsStream {
  readonly input: ReadMedia;
  readonly run: ClipRun;
}

/** At 30 frames a second, in segments of two seconds. */
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
