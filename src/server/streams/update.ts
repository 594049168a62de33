/** Hides how a stream's parameters change: one update after the other, whichever way they come (protocol.md 1.6, 5.2). */
import { WorkerError } from "../../errors.ts";
import type { EngineScheduler } from "../engines/scheduler.ts";
import { fromPytrickle } from "../protocols/byoc/pytrickle-params.ts";
import { updatedParams } from "./params.ts";
import type { StreamStore } from "./store.ts";
import type { Stream } from "./stream.ts";

export class StreamUpdater {
  readonly #pool: Pick<EngineScheduler, "withModels">;
  readonly #store: StreamStore;
  /** The last update of each stream. */
  readonly #last = new WeakMap<Stream, Promise<unknown>>();

  constructor(pool: Pick<EngineScheduler, "withModels">, store: StreamStore) {
    this.#pool = pool;
    this.#store = store;
  }

  /**
   * Applies an update's body in its turn; returns the members that nobody knows. Throws `invalid_request`, also for a
   * stream that is over, and `unknown_model`; then the stream is as it was.
   */
  async apply(record: Stream, body: unknown): Promise<readonly string[]> {
    const turn = (this.#last.get(record) ?? Promise.resolve()).then(() =>
      this.#apply(record, body),
    );
    this.#last.set(
      record,
      turn.catch(() => {}),
    );
    return await turn;
  }

  async #apply(record: Stream, body: unknown): Promise<readonly string[]> {
    if (record.status !== "starting" && record.status !== "active") {
      const over = record.endedAt === null ? "is stopping" : "has ended";
      throw new WorkerError("invalid_request", `stream ${record.id} ${over}; start a new one`);
    }
    const { params: current, defaults, spec } = record;
    const fields = spec.owns_output ? body : fromPytrickle(body, "update");
    return await this.#pool.withModels((models) => {
      const { params, ignored } = updatedParams(fields, current, defaults, models);
      this.#store.update(record, params);
      return ignored;
    });
  }
}
