/** The work that one engine has: what each piece is called there, and which of it an engine may have died of. */
import type { CallInFlight } from "../../engine/protocol/call-journal.ts";
import type { StreamParams, WorkOrder } from "../../engine/protocol/work.ts";
import type { EngineDeath } from "./engine-process.ts";
import type { Work } from "./work.ts";

export interface Placed {
  readonly work: Work;
  /** What this work is called in messages to the current engine and in its journal; 0 before it is sent there. */
  number: number;
  /** Segments begun in the current engine. */
  segments: number;
  stopTimer: Timer | null;
  /** The parameters that the current engine has; null for pictures, whose parameters do not change. */
  params: StreamParams | null;
}

/** Work that was in a call when its engine died. */
export interface Suspect {
  readonly work: Work;
  /** What it had begun and not finished, the oldest first. */
  readonly calls: readonly CallInFlight[];
}

/** It ended by itself, the server killed it because it hung, or something outside killed it. */
export const DEATH_CAUSES = ["crashed", "hung", "killed"] as const;
export type DeathCause = (typeof DEATH_CAUSES)[number];

/** An engine's death with the work that may have caused it. */
export interface WorkDeath {
  readonly why: string;
  readonly cause: DeathCause;
  readonly suspects: readonly Suspect[];
  /** False if the engine died before it could take work. */
  readonly wasReady: boolean;
  /** True if it was killed from outside after it had delivered: its work is not to blame. */
  readonly isBlameless: boolean;
}

export class Placements {
  readonly #placed = new Map<Work, Placed>();
  #lastNumber = 0;

  get size(): number {
    return this.#placed.size;
  }
  get works(): readonly Work[] {
    return [...this.#placed.keys()];
  }
  /** A copy: entries may be removed meanwhile. */
  get all(): readonly Placed[] {
    return [...this.#placed.values()];
  }

  of(work: Work): Placed | undefined {
    return this.#placed.get(work);
  }

  /** Undefined for work that is gone, of which its engine may still report. */
  numbered(number: number): Placed | undefined {
    return this.all.find((placed) => placed.number === number);
  }

  add(work: Work): Placed {
    const placed: Placed = { work, number: 0, segments: 0, stopTimer: null, params: null };
    this.#placed.set(work, placed);
    return placed;
  }

  /** An engine gets this work: under a new number, with no segment made. */
  sent(placed: Placed, order: WorkOrder): number {
    placed.params = order.kind === "stream" ? order.params : null;
    placed.segments = 0;
    placed.number = ++this.#lastNumber;
    return placed.number;
  }

  remove({ work, stopTimer }: Placed): void {
    if (stopTimer !== null) clearTimeout(stopTimer);
    this.#placed.delete(work);
  }

  /** Tells all work that its engine died, and returns which of it may have caused that. */
  interrupt(death: EngineDeath): Pick<WorkDeath, "cause" | "suspects" | "isBlameless"> {
    const { why, calls, fromOutside, byServer, isHang } = death;
    const isBlameless = fromOutside && this.all.some(({ segments }) => segments >= 2);
    const suspects = fromOutside ? [] : this.#behind(calls);
    for (const { work, number } of this.all) {
      const runs = calls.filter((call) => call.kind === "run" && call.work === number);
      work.interrupted(why, isHang ? runs.length : 0);
    }
    return { cause: fromOutside ? "killed" : byServer ? "hung" : "crashed", suspects, isBlameless };
  }

  /** The work behind these calls, that with the oldest call first. */
  #behind(calls: readonly CallInFlight[]): Suspect[] {
    const suspects = new Map<Work, CallInFlight[]>();
    for (const call of calls.toSorted((a, b) => a.serial - b.serial)) {
      const work = this.numbered(call.work)?.work;
      if (work !== undefined) suspects.set(work, [...(suspects.get(work) ?? []), call]);
    }
    return [...suspects].map(([work, its]) => ({ work, calls: its }));
  }
}
