/** What the probe in an engine measures of each frame, and how it is asked to. */
import type { Calls } from "../../../src/engine/device/worker/calls.ts";

/** Names the file to which the probe writes. Begins like the variables that the server passes to engines. */
export const PROBE_FILE = "BUN_FRAME_PROBE";

/** Frames of a stream before measuring starts: the model loads, and code is compiled. */
export const WARM_UP_FRAMES = 45;

/** In the order of the data flow. What is behind a colon is a part of the stage in front of it; the others follow each other. */
export const STAGES = [
  "socket to decoder",
  "socket to decoder: demux",
  "decode",
  "decoder to model stage",
  "model stage",
  "model stage: before to RGB",
  "model stage: to RGB",
  "model stage: before the hop",
  "model stage: hop to the model's thread",
  "model stage: session.run",
  "model stage: hop back",
  "model stage: before from RGB",
  "model stage: from RGB",
  "model stage: before the encoder",
  "encode",
  "encoder to segmenter",
  "segment",
  "publish",
] as const;
export type Stage = (typeof STAGES)[number];

/** Milliseconds of one frame. */
export interface FrameTimes {
  /** From its last input byte, read from the socket, until its output is handed to the socket. */
  readonly latencyMs: number;
  readonly stageMs: Readonly<Partial<Record<Stage, number>>>;
}

/** Of the frames after the warm-up. */
export interface ProbeReport {
  readonly frames: readonly FrameTimes[];
  /** What `set` and `slice` of typed arrays have copied. */
  readonly copiedBytes: number;
  /** Of the access units that were decoded. */
  readonly unitBytes: number;
  /** Of the encoded frames. */
  readonly codedBytes: number;
}

/** A worker's answer to a run, with what the probe in it adds. */
export type ProbedRun = Calls["run"][1] & {
  readonly probe: { readonly begun: number; readonly ended: number; readonly copiedBytes: number };
};

/** Milliseconds on a clock that all threads of a process share. */
export const sharedNow = (): number => performance.timeOrigin + performance.now();
