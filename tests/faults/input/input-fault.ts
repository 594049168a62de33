/** Defines a fault of input by what it makes of the segments that are sent. */
import type { Fault, FaultSite } from "../rig/fault.ts";
import type { InputContainer, SegmentMedia } from "./input-feed.ts";

/**
 * A fault is lifted with the next segment, which begins with a key frame at most 1.04 s later. Its first picture is out within
 * a second.
 */
const RESUMES_WITHIN_MS = 2040;
/** Three segments. */
const LASTS_MS = 3200;

/** One segment that a fault replaces. */
export interface Struck extends SegmentMedia {
  readonly bytes: Uint8Array;
  readonly container: InputContainer;
  /** Number of the segment since the fault struck. */
  readonly index: number;
}

/** What is sent in the place of a segment; null for nothing. */
export type Strike = (segment: Struck) => readonly Uint8Array[] | null;

export interface InputFaultOptions {
  readonly name: string;
  readonly lastsMs?: number;
  /** Called as the fault strikes, so that what it needs is made before. */
  prepare(): Strike | Promise<Strike>;
}

/** It needs nothing but the feed. */
export interface InputFault extends Fault {
  inject(site: Pick<FaultSite, "input">): Promise<() => Promise<void>>;
}

export function inputFault(options: InputFaultOptions): InputFault {
  const { name, lastsMs = LASTS_MS } = options;
  return {
    name: `input: ${name}`,
    family: "input",
    lastsMs,
    resumeWithinMs: RESUMES_WITHIN_MS,
    end: "none",
    neighboursMayPause: false,
    inject: async ({ input }) => {
      if (!input) throw new Error("a fault of input needs a stream with input");
      const strike = await options.prepare();
      let first: number | null = null;
      input.replace((bytes, n, source) => {
        first ??= n;
        return strike({ ...source, bytes, container: input.container, index: n - first });
      });
      return async () => input.restore();
    },
  };
}

/** A fault that needs no preparation. */
export const plainFault = (
  name: string,
  strike: Strike,
  options: Pick<InputFaultOptions, "lastsMs"> = {},
): InputFault => inputFault({ ...options, name, prepare: () => strike });
