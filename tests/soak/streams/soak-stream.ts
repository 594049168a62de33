/** Declares a stream of the soak: how it is watched, struck, changed and ended, whichever protocol started it. */
import type { InputFeed } from "../../faults/input/input-feed.ts";
import type { FaultyTrickle } from "../../faults/peer/faulty-trickle.ts";
import type { OutputWatch } from "../output-watch.ts";

export const STREAM_NAMES = ["BYOC", "live runner", "seed with input", "seed without"] as const;
export type StreamName = (typeof STREAM_NAMES)[number];

/** Parameters of a stream, as its own protocol takes them. */
export type Change = Readonly<Record<string, unknown>>;

export interface SoakStream extends AsyncDisposable {
  readonly name: StreamName;
  /** Of the stream in the worker's management API. */
  readonly id: string;
  /** What it has of a fault's site. */
  readonly trickle: FaultyTrickle;
  readonly input: InputFeed | null;
  readonly watch: OutputWatch;
  /** Changes parameters while it runs. Throws with the worker's answer unless they are accepted. */
  change(params: Change): Promise<void>;
  /** What its peers have seen that they should not. */
  problems(): string[];
  /** Ends it as its owner does. Throws with the worker's answer unless that succeeds. */
  stop(): Promise<void>;
}

/** Pictures are small: what is tried is endurance. */
export const SIZE = { width: 320, height: 180 };
