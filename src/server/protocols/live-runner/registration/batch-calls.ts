/** Counts the running calls of a single-shot runner, each of which is a session, and advertises the places that are left. */
import type { Capacity } from "../../../capacity.ts";
import type { RunnerSessions, RunnerStatus } from "../runner-sessions.ts";

export interface BatchLimits {
  /** Shared with streams and all other jobs. */
  readonly capacity: Pick<Capacity, "total" | "used">;
  /** RUNNER_CAPACITY, or the most that this server takes. */
  readonly most: number;
}

export class BatchCalls implements RunnerSessions {
  /** The orchestrator ends these sessions by itself. */
  readonly ids: readonly string[] = [];
  readonly #limits: BatchLimits;
  #running = 0;
  #isDraining = false;
  #idle = Promise.withResolvers<void>();

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  /** Counts a call until it is disposed. */
  begin(): Disposable {
    this.#running++;
    let counted = true;
    return {
      [Symbol.dispose]: () => {
        if (counted && --this.#running === 0) this.#idle.resolve();
        counted = false;
      },
    };
  }

  offer(): { capacity: number; status: RunnerStatus } {
    const { capacity, most } = this.#limits;
    const free = this.#isDraining ? 0 : Math.max(0, capacity.total - capacity.used);
    const places = Math.min(most, this.#running + free);
    // Any other status would cut calls that are under way.
    if (places > 0) return { capacity: places, status: "ready" };
    return { capacity: 1, status: this.#isDraining ? "draining" : "busy" };
  }

  reserved(): void {}
  released(): void {}
  reconcile(): void {}
  lost(): void {}

  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true;
    if (this.#running === 0) return;
    this.#idle = Promise.withResolvers();
    await Promise.race([this.#idle.promise, Bun.sleep(graceMs)]);
  }
}
