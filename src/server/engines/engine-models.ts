/** Keeps what one engine last reported of its models, and asks it again. */
import type { ModelInfo } from "../../engine/protocol/models.ts";
import type { EngineProcess } from "./engine-process.ts";

/** After this time without an answer the next question is asked. */
const ANSWER_MS = 5000;

export class EngineModels {
  readonly #byName = new Map<string, ModelInfo>();
  /** Pending while the engine has been asked and has not answered the question of this number. */
  #asked: { readonly number: number; readonly answer: PromiseWithResolvers<void> } | null = null;
  #last = 0;
  /** The engine that was asked last; null once it is gone. */
  #engine: EngineProcess | null = null;
  /** Settles with the answer to the next question, which is asked once the present one is answered. */
  #next: Promise<void> | null = null;

  get all(): readonly ModelInfo[] {
    return [...this.#byName.values()];
  }

  put(model: ModelInfo): void {
    this.#byName.set(model.name, model);
  }

  /** All that there are. */
  replace(models: readonly ModelInfo[]): void {
    this.#byName.clear();
    for (const model of models) this.put(model);
  }

  /** The engine's answer: to the present question, or to one that was given up. */
  answered(number: number, models: readonly ModelInfo[]): void {
    this.replace(models);
    if (this.#asked?.number === number) this.#settleAsked();
  }

  /**
   * Settles when the engine has answered a question that was asked from now on, since the present one may be answered from
   * older folders; when it has not answered for five seconds; or when `settle` is called because it never will. Callers that
   * wait share a question.
   */
  refresh(engine: EngineProcess): Promise<void> {
    if (this.#asked === null) return this.#ask(engine);
    this.#next ??= this.#asked.answer.promise.then(async () => {
      this.#next = null;
      if (this.#engine === engine) await this.#ask(engine);
    });
    return this.#next;
  }

  /** The engine is gone. */
  settle(): void {
    this.#engine = null;
    this.#settleAsked();
  }

  #settleAsked(): void {
    this.#asked?.answer.resolve();
    this.#asked = null;
  }

  async #ask(engine: EngineProcess): Promise<void> {
    const number = ++this.#last;
    const answer = Promise.withResolvers<void>();
    this.#engine = engine;
    this.#asked = { number, answer };
    const timer = setTimeout(() => this.#settleAsked(), ANSWER_MS);
    engine.send({ type: "models", number });
    await answer.promise;
    clearTimeout(timer);
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
