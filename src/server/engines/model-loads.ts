/** Remembers how long the loads of models took, beyond the engines that did them, and since when each is in its state. */
import type { ModelInfo } from "../../engine/protocol/models.ts";

type ModelState = ModelInfo["state"];

/** What is known of a model's loads. */
export interface ModelLoad {
  /** `performance.now()` when it came into its state; null where no engine has reported a change. */
  readonly since: number | null;
  /** Milliseconds of its last load; null where none has ended. */
  readonly lastMs: number | null;
}

interface Memory {
  state: ModelState;
  since: number;
  lastMs: number | null;
}

const NOTHING: ModelLoad = { since: null, lastMs: null };

export class ModelLoads {
  readonly #now: () => number;
  readonly #models = new Map<string, Memory>();
  /** `performance.now()` when each engine began to load a model. */
  readonly #begun = new WeakMap<object, Map<string, number>>();

  /** @param now in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  of(name: string): ModelLoad {
    return this.#models.get(name) ?? NOTHING;
  }

  /**
   * An engine reports a change of a model.
   *
   * @param engine whatever stands for the engine: loads of several engines are told apart by it
   * @param merged the model's state over all engines, this report included
   */
  report(engine: object, { name, state }: ModelInfo, merged: ModelState = state): void {
    const now = this.#now();
    const begun = this.#begun.get(engine) ?? new Map<string, number>();
    this.#begun.set(engine, begun);
    const since = begun.get(name);
    if (state !== "warming") begun.delete(name);
    else if (since === undefined) begun.set(name, now);
    const known = this.#models.get(name);
    const loadedMs = state === "ready" && since !== undefined ? now - since : null;
    this.#models.set(name, {
      state: merged,
      since: known?.state === merged ? known.since : now,
      lastMs: loadedMs ?? known?.lastMs ?? null,
    });
  }

  /** An engine died: what it was loading is not loaded. */
  died(engine: object): void {
    this.#begun.delete(engine);
  }
}
