/** Sends questions to one engine, and resolves each with its answer. */
import type { FromEngine, Question } from "../../engine/protocol/messages.ts";
import { fromPlainError, WorkerError } from "../../errors.ts";
import type { EngineProcess } from "./engine-process.ts";

/** An engine that is busy loading answers late, one that hangs never. */
const ANSWER_MS = 5000;

type Answer = Extract<FromEngine, { type: "answer" }>;

export class EngineQuestions {
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  #last = 0;

  /** Rejects with the engine's error, or with `engine_unavailable` where it does not answer. */
  async ask(engine: EngineProcess, question: Question): Promise<unknown> {
    const number = ++this.#last;
    const asked = Promise.withResolvers<unknown>();
    this.#asked.set(number, asked);
    const timer = setTimeout(() => asked.reject(silent()), ANSWER_MS);
    try {
      engine.send({ type: "ask", number, question });
      return await asked.promise;
    } finally {
      clearTimeout(timer);
      this.#asked.delete(number);
    }
  }

  receive({ number, value, error }: Answer): void {
    const asked = this.#asked.get(number);
    if (error === undefined) asked?.resolve(value);
    else asked?.reject(fromPlainError(error));
  }

  /** The engine is gone. */
  giveUp(): void {
    for (const { reject } of this.#asked.values()) reject(silent());
  }
}

const silent = (): WorkerError =>
  new WorkerError("engine_unavailable", "the engine does not answer; try again");
