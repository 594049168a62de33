/** Declares what a fault is: how it strikes, and what the worker promises when it does. */
import type { InputFeed } from "../input/input-feed.ts";
import type { FaultyTrickle } from "../peer/faulty-trickle.ts";
import type { Worker } from "./worker.ts";

export const FAMILIES = ["trickle", "input", "process"] as const;
export type Family = (typeof FAMILIES)[number];

/**
 * When a fault strikes. `starting`: before the start is requested. `running`: once there is output. `stopping`: right before
 * the stop is requested.
 */
export const PHASES = ["starting", "running", "stopping"] as const;
export type Phase = (typeof PHASES)[number];

/** How the victim is started; what its faults pass through is the same. */
export type VictimKind = "byoc" | "seed";

export interface Fault {
  /** A row of the matrix, e.g. "output: reset in mid-body". No other fault has it. */
  readonly name: string;
  readonly family: Family;
  /** How long it lasts before it is lifted, while the stream starts or runs; 0 for a single blow. */
  readonly lastsMs: number;
  /**
   * Longest pause of the victim's output from the moment that the fault is lifted, or that a single blow strikes; null if
   * output need not come back, see `end`.
   */
  readonly resumeWithinMs: number | null;
  /** Time until it shows, in output or in the stream's end. Default: 2 s for a single blow, none for one that lasts. */
  readonly showsWithinMs?: number;
  /**
   * What becomes of the stream: `none`, it goes on; `in order`, it ends without an error; else the kind of error it ends with,
   * e.g. "model_failed". Where output need not come back it must end so, elsewhere it may.
   */
  readonly end: "none" | "in order" | string;
  /** Whether streams of the same engine may pause as well, once and no longer than the fault lasts and `resumeWithinMs`. */
  readonly neighboursMayPause: boolean;
  /**
   * In phase `running`: a control message takes effect within this time, sent when the fault is over, or right after it if it
   * strikes once. Absent: not tried.
   */
  readonly obeysWithinMs?: number;
  /** Channels that it strikes are gone for good. */
  readonly endsChannels?: true;
  /** Error code of the answer to a start while the fault is active; absent if the start must succeed. */
  readonly refusedStart?: string;
  /** The phases in which it makes sense; default: all. */
  readonly phases?: readonly Phase[];
  /** Default: byoc. */
  readonly victim?: VictimKind;
  /** More fields of the victim's start: `params` of a BYOC stream, top-level fields of the seed's. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** Settings of the worker's server beyond the rig's own. Cases with the same settings share a worker. */
  readonly flags?: readonly string[];
  /** Makes what the victim's start needs, such as a model in the workspace. Before any stream of the case starts. */
  prepare?(worker: Worker): Promise<void>;
  /** Strikes. Returns what lifts it. */
  inject(site: FaultSite): Promise<() => Promise<void>>;
}

/** One stream and what surrounds it. */
export interface FaultSite {
  /** In front of the trickle server with the victim's channels. */
  readonly trickle: FaultyTrickle;
  /** Sends the victim's input in real time; null for a stream without input. */
  readonly input: InputFeed | null;
  /** The server with its engines. */
  readonly worker: Worker;
  /** The victim; null before it is started. */
  readonly stream: { readonly id: string; readonly model: string } | null;
}
