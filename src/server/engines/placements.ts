/** The work that one engine has: what each piece is called there, and which of it an engine may have died of. */
import type { CallInFlight } from "../../engine/protocol/call-journal.ts";
import type { StreamParams, WorkOrder } from "../../engine/protocol/work.ts";
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

  /** The work behind these calls, that with the oldest call first. */
  suspects(calls: readonly CallInFlight[]): Suspect[] {
    const suspects = new Map<Work, CallInFlight[]>();
    for (const call of calls.toSorted((a, b) => a.serial - b.serial)) {
      const work = this.numbered(call.work)?.work;
      if (work !== undefined) suspects.set(work, [...(suspects.get(work) ?? []), call]);
    }
    return [...suspects].map(([work, its]) => ({ work, calls: its }));
  }
}
