/** Declares what a soak has seen: the record that is judged, shown in the docs, and written as JSON. */
import type { Family } from "../faults/rig/fault.ts";
import type { UsageRecord } from "../faults/rig/worker.ts";
import type { Counts } from "../support/process-holdings.ts";
import type { Sample } from "./growth.ts";
import type { StreamName } from "./streams/soak-stream.ts";

/** One fault and what became of it. Times in milliseconds. */
export interface Strike {
  /** Seconds since the start of the run. */
  readonly at: number;
  readonly fault: string;
  readonly family: Family;
  readonly victim: StreamName;
  /** The fault's own promise, `resumeWithinMs`. */
  readonly boundMs: number;
  /** From the lifting, or the blow, until the victim's output flowed without a pause; null: it had not by the deadline. */
  readonly resumedMs: number | null;
  readonly neighboursMayPause: boolean;
  /** Share of the time in which some process of this machine waited for a core; null: unknown. */
  readonly pressure: number | null;
  /** The longest pause of each stream beside the victim. */
  readonly neighbours: readonly { readonly name: StreamName; readonly pauseMs: number }[];
}

/** One stream over the whole run. */
export interface StreamRecord {
  readonly name: StreamName;
  /** Its name in logs and usage records. */
  readonly logId: string;
  /** Share of the run in which frames arrived. */
  readonly uptime: number;
  readonly frames: number;
  readonly segments: number;
  readonly longestPauseMs: number;
  readonly restarts: number;
  readonly changes: number;
  /** At the end: frames arrive, the worker calls it active, and a change of its size is seen in the pictures. */
  readonly flows: boolean;
  readonly status: string;
  readonly obeys: boolean;
  /** What its peers have seen that they should not. */
  readonly problems: readonly string[];
}

/** Memory of one process over its life, without the time in which it warms up. */
export interface MemoryRecord {
  readonly process: "server" | "engine";
  readonly pid: number;
  /** MiB that are its own (anonymous), after a garbage collection. */
  readonly samples: readonly Sample[];
  /** MiB of them that JavaScript holds. */
  readonly heap: readonly Sample[];
}

/** A record of `USAGE_LOG`, as far as it is judged. */
export type UsageLine = Pick<
  UsageRecord,
  | ("stream" | "status" | "reason" | "error" | "restarts")
  | ("duration_s" | "active_s" | "paused_s" | "fallback_s")
  | ("frames_in" | "frames_out" | "frames_processed" | "frames_fallback" | "frames_dropped")
>;

export interface SoakRecord {
  readonly seed: number;
  readonly minutes: number;
  readonly everyS: number;
  readonly startedAt: string;
  /** What ran and where, in words. */
  readonly machine: Readonly<Record<string, string>>;
  readonly strikes: readonly Strike[];
  /** Faults that could not be brought about, and why. */
  readonly misfires: readonly string[];
  readonly streams: readonly StreamRecord[];
  readonly memory: readonly MemoryRecord[];
  /** Counts of what the worker held without a stream, before the first and after the last; and what is left over. */
  readonly holdings: {
    readonly start: Counts;
    readonly end: Counts;
    readonly leaks: readonly string[];
  };
  readonly usage: readonly UsageLine[];
  readonly log: {
    readonly lines: number;
    /** Lines that no fault explains. */
    readonly unexpected: readonly string[];
    /** Names of secrets that a line has shown. */
    readonly secrets: readonly string[];
  };
  /** Why the run ended early, if it did. */
  readonly broken: string | null;
}
