/** Keeps what one engine last reported of its models, and asks it again. */
import type { ModelInfo } from "../../engine/protocol/models.ts";
import type { EngineProcess } from "./engine-process.ts";

export class EngineModels {
  readonly #byName = new Map<string, ModelInfo>();
  /** Pending while the engine has been asked and has not answered. */
  #asked: PromiseWithResolvers<void> | null = null;

  get all(): readonly ModelInfo[] {
    return [...this.#byName.values()];
  }

  put(model: ModelInfo): void {
    this.#byName.set(model.name, model);
  }

  replace(models: readonly ModelInfo[]): void {
    this.#byName.clear();
    for (const model of models) this.put(model);
    this.settle();
  }

  /** Settles when the engine has answered, or when `settle` is called because it never will. */
  async refresh(engine: EngineProcess): Promise<void> {
    if (this.#asked === null) engine.send({ type: "models" });
    this.#asked ??= Promise.withResolvers();
    await this.#asked.promise;
  }

  settle(): void {
    this.#asked?.resolve();
    this.#asked = null;
  }
}

/** The models of several engines, by name; the engine that knows most about a model counts. */
export function mergedModels(lists: readonly (readonly ModelInfo[])[]): readonly ModelInfo[] {
  const rank = { ready: 0, warming: 1, failed: 2, cold: 3 } as const;
  const byName = new Map<string, ModelInfo>();
  for (const model of lists.flat()) {
    const known = byName.get(model.name);
    if (known === undefined || rank[model.state] < rank[known.state]) byName.set(model.name, model);
  }
  return [...byName.values()];
}
