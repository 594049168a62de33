/** Finds the work that may have killed an engine, from the native calls that were running when it died. */
import type { CallInFlight } from "../../engine/protocol/call-journal.ts";
import type { EngineDeath } from "./engine-process.ts";
import type { Work } from "./work.ts";

/** Work that was in a call when its engine died. */
export interface Suspect {
  readonly work: Work;
  /** What it had begun and not finished, the oldest first. */
  readonly calls: readonly CallInFlight[];
}

/** It ended by itself, the server killed it because it hung, or something outside killed it. */
export const DEATH_CAUSES = ["crashed", "hung", "killed"] as const;
export type DeathCause = (typeof DEATH_CAUSES)[number];

export interface Blame {
  readonly cause: DeathCause;
  readonly suspects: readonly Suspect[];
  /** True if it was killed from outside after it had delivered: its work is not to blame. */
  readonly isBlameless: boolean;
}

/** An engine's death with the work that may have caused it. */
export interface WorkDeath extends Blame {
  readonly why: string;
  /** False if the engine died before it could take work. */
  readonly wasReady: boolean;
}

/** Work under its name in the journal of the engine that died, with the segments that it had begun there. */
interface PlacedWork {
  readonly work: Work;
  readonly number: number;
  readonly segments: number;
}

/** `all`: the work that the engine had. */
export function blame(death: EngineDeath, all: readonly PlacedWork[]): Blame {
  const { calls, fromOutside, byServer } = death;
  return {
    cause: fromOutside ? "killed" : byServer ? "hung" : "crashed",
    suspects: fromOutside ? [] : behind(calls, all),
    isBlameless: fromOutside && all.some(({ segments }) => segments >= 2),
  };
}

/** The work behind these calls, that with the oldest call first. */
function behind(calls: readonly CallInFlight[], all: readonly PlacedWork[]): Suspect[] {
  const suspects = new Map<Work, CallInFlight[]>();
  for (const call of calls.toSorted((a, b) => a.serial - b.serial)) {
    const work = all.find(({ number }) => number === call.work)?.work;
    if (work !== undefined) suspects.set(work, [...(suspects.get(work) ?? []), call]);
  }
  return [...suspects].map(([work, its]) => ({ work, calls: its }));
}
