/** Holds the engines of all devices: adds engines, replaces those that became reserved for suspects, and ends surplus ones. */
import { WorkerError } from "../../errors.ts";
import type { Supervisor } from "./supervisor.ts";

const CLOSE_TIMEOUT_MS = 5000;
/** A shared engine that is missing boots after this time, so that it does not slow down the streams that are resumed. */
const REPLACE_AFTER_MS = 2000;

export interface EnginePoolOptions {
  /** Shared engines per device. */
  readonly engines: number;
  readonly make: (device: string) => Supervisor;
  /** True for an engine that runs suspects alone. All others are shared. */
  readonly isReserved: (supervisor: Supervisor) => boolean;
}

export class EnginePool {
  /** In the order they were made. */
  readonly #supervisors = new Set<Supervisor>();
  readonly #options: EnginePoolOptions;
  readonly #replacements = new Set<Timer>();
  readonly #closing = new Set<Promise<void>>();

  constructor(options: EnginePoolOptions) {
    this.#options = options;
  }

  /** The pool's own set, which changes. */
  get all(): ReadonlySet<Supervisor> {
    return this.#supervisors;
  }

  /** The one with the least work of the shared engines that take new work, or of those among them that pass. */
  leastLoaded(passes: (supervisor: Supervisor) => boolean = () => true): Supervisor | undefined {
    const [least] = this.#open
      .filter(passes)
      .toSorted((a, b) => a.placements.size - b.placements.size);
    return least;
  }

  add(device: string): Supervisor {
    const supervisor = this.#options.make(device);
    this.#supervisors.add(supervisor);
    return supervisor;
  }

  /** Adds a shared engine at once, for when only reserved ones are left. Throws `engine_unavailable` where no device works. */
  addShared(): Supervisor {
    const device = [...this.#supervisors].find(isUsable)?.device;
    if (device !== undefined) return this.add(device);
    throw new WorkerError("engine_unavailable", "no engine can run here; see the log");
  }

  /** Adds a shared engine after a delay if the device then has too few: all may have become reserved for suspects. */
  refill(device: string): void {
    const timer = setTimeout(() => {
      this.#replacements.delete(timer);
      if (this.#sharedOn(device) < this.#options.engines) this.add(device);
    }, REPLACE_AFTER_MS);
    this.#replacements.add(timer);
  }

  /** Ends an engine without work if its device has more shared ones than were asked for. Returns whether it did. */
  discardSurplus(supervisor: Supervisor): boolean {
    if (this.#sharedOn(supervisor.device) <= this.#options.engines) return false;
    this.#supervisors.delete(supervisor);
    const closed = supervisor.close(AbortSignal.timeout(CLOSE_TIMEOUT_MS));
    this.#closing.add(closed);
    void closed.then(() => this.#closing.delete(closed));
    return true;
  }

  /** Ends all engines, by force when `deadline` aborts. */
  async close(deadline: AbortSignal): Promise<void> {
    for (const timer of this.#replacements) clearTimeout(timer);
    await Promise.all([...this.#supervisors].map((one) => one.close(deadline)));
    await Promise.all(this.#closing);
  }

  /**
   * Of each device as many shared engines as were asked for, those that are ready first. The others, which were added
   * for suspects and have done well, end with the work they have.
   */
  get #open(): readonly Supervisor[] {
    const usable = [...this.#supervisors].filter((one) => this.#isShared(one));
    const perDevice = Map.groupBy(usable, ({ device }) => device);
    return [...perDevice.values()].flatMap((all) =>
      readyFirst(all).slice(0, this.#options.engines),
    );
  }

  #isShared(supervisor: Supervisor): boolean {
    return isUsable(supervisor) && !this.#options.isReserved(supervisor);
  }

  #sharedOn(device: string): number {
    return [...this.#supervisors].filter((one) => one.device === device && this.#isShared(one))
      .length;
  }
}

const isUsable = (supervisor: Supervisor): boolean => supervisor.isUsable;
const readyFirst = (supervisors: readonly Supervisor[]): Supervisor[] =>
  supervisors.toSorted((a, b) => Number(b.status === "ready") - Number(a.status === "ready"));
