/** Lists the models of all engines, has the engines read their folders again, and remembers how long loads took. */
import type { ModelInfo } from "../../engine/protocol/models.ts";
import { WorkerError } from "../../errors.ts";
import { untilAborted } from "../../streams/until-aborted.ts";
import type { Availability } from "./availability.ts";
import { mergedModels } from "./engine-models.ts";
import { ModelLoads } from "./model-loads.ts";
import type { Supervisor } from "./supervisor.ts";

/** Time of the engines to start and to read their folders again: for a list, and before a model counts as unknown. */
const LIST_TIMEOUT_MS = 1000;
const UNKNOWN_TIMEOUT_MS = 3000;

export class ModelList {
  /** Of engines that are gone as well. */
  readonly loads = new ModelLoads();
  readonly #supervisors: ReadonlySet<Supervisor>;
  readonly #availability: Pick<Availability, "state" | "changed">;

  /** `supervisors`: the pool's set, which changes. */
  constructor(
    supervisors: ReadonlySet<Supervisor>,
    availability: Pick<Availability, "state" | "changed">,
  ) {
    this.#supervisors = supervisors;
    this.#availability = availability;
  }

  /** Every model of every engine, by name; the most advanced state of each counts. */
  get all(): readonly ModelInfo[] {
    return mergedModels([...this.#supervisors].map(({ models }) => models));
  }

  /**
   * `all`, after the first engine has started and the engines have read their folders again; they have a second for it, unless
   * another time is given.
   */
  async fresh(timeoutMs = LIST_TIMEOUT_MS): Promise<readonly ModelInfo[]> {
    const late = AbortSignal.timeout(timeoutMs);
    while (this.#availability.state === "loading" && !late.aborted)
      await untilAborted(this.#availability.changed, late);
    const all = Promise.all([...this.#supervisors].map((one) => one.refreshModels()));
    await untilAborted(all, late);
    return this.all;
  }

  /** The result of `read` on the models; if it throws `unknown_model`, once more with the models read again. */
  async use<T>(read: (models: readonly ModelInfo[]) => T): Promise<T> {
    try {
      return read(this.all);
    } catch (error) {
      if (!(error instanceof WorkerError) || error.kind !== "unknown_model") throw error;
      return read(await this.fresh(UNKNOWN_TIMEOUT_MS));
    }
  }

  /** An engine reports a change of a model. */
  changed(supervisor: Supervisor, model: ModelInfo): void {
    const merged = this.all.find(({ name }) => name === model.name);
    this.loads.report(supervisor, model, merged?.state);
  }
}
