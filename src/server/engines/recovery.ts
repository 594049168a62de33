/** Decides what becomes of work whose engine died: it is ended, runs alone as a suspect, or moves to another engine. */
import { getLogger, logId } from "../../log.ts";
import type { EnginePool } from "./engine-pool.ts";
import { Probation } from "./probation.ts";
import type { Supervisor } from "./supervisor.ts";
import type { Work } from "./work.ts";
import type { WorkDeath } from "./work-death.ts";

const log = getLogger("engine");

/** An engine that fails to start this often in a row gives its work to others. */
const MAX_FAILED_BOOTS = 3;

export interface RecoveryObserver {
  /** A piece of work runs alone from now on, since an engine may have died of it. */
  isolated(): void;
  /** A piece of work was ended because its engines died of it. */
  convicted(): void;
}

export interface RecoveryOptions {
  readonly pool: EnginePool;
  /** Gives work to this engine. */
  readonly place: (work: Work, home: Supervisor) => void;
  /** Gives work to a shared engine. */
  readonly start: (work: Work) => void;
  /** Called when an engine has no work any more and stays. */
  readonly freed: () => void;
  readonly observer: RecoveryObserver | undefined;
}

export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #probation = new Probation();

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** True for an engine that runs a suspect alone. */
  isReserved(supervisor: Supervisor): boolean {
    return this.#probation.holds(supervisor);
  }

  /** An engine died, and another one boots soon. Its work starts there unless it is ended or moved now. */
  died(supervisor: Supervisor, death: WorkDeath): void {
    if (supervisor.history.failedBoots >= MAX_FAILED_BOOTS) this.#rehouse(supervisor);
    const suspects = this.#probation.suspects(supervisor, death);
    const convicted = this.#probation.convicted(supervisor, death);
    this.#probation.restart(supervisor);
    for (const { work, error } of convicted) {
      log.error("work ended: its engine died repeatedly while running it alone", {
        stream: logId(work.id),
        error: error.message,
      });
      this.#options.observer?.convicted();
      supervisor.placements.fail(work, error);
    }
    for (const { work, why } of suspects) {
      log.warn("isolated after its engine died", { stream: logId(work.id), why });
      this.#options.observer?.isolated();
      this.#isolate(work, supervisor);
    }
    this.#options.pool.refill(supervisor.device);
  }

  /** An engine has no work any more: it is shared again, or ended where there are enough shared ones. */
  emptied(supervisor: Supervisor): void {
    this.#probation.release(supervisor);
    if (supervisor.isUsable && !this.#options.pool.discardSurplus(supervisor))
      this.#options.freed();
  }

  /** Work that is alone already keeps its engine. */
  #isolate(work: Work, supervisor: Supervisor): void {
    const { pool, place } = this.#options;
    const isAlone = supervisor.placements.size === 1;
    if (!isAlone) supervisor.placements.withdraw(work);
    const home = isAlone ? supervisor : pool.add(supervisor.device);
    this.#probation.admit(home, work);
    if (!isAlone) place(work, home);
  }

  /**
   * Gives the work of an engine that fails to start to those that run on its device: it has no room for one more. Where
   * they are all reserved for suspects, one of these is acquitted.
   */
  #rehouse(supervisor: Supervisor): void {
    const isNeighbour = (one: Supervisor) =>
      one.device === supervisor.device && one.status === "ready";
    const ready = [...this.#options.pool.all].filter(isNeighbour);
    const { works } = supervisor.placements;
    if (ready[0] === undefined || works.length === 0) return;
    log.warn("engine does not start; its work moves to another one", { device: supervisor.device });
    if (ready.every((one) => this.#probation.holds(one))) this.#probation.release(ready[0]);
    for (const work of works) supervisor.placements.withdraw(work);
    this.emptied(supervisor);
    for (const work of works) this.#options.start(work);
  }
}
