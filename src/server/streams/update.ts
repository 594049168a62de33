/** Applies parameter updates to a stream, in order, whichever channel they come from (protocol.md 1.6, 5.2). */
import type { ModelInfo } from "../../engine/protocol/models.ts";
import type { StreamParams } from "../../engine/protocol/work.ts";
import { WorkerError } from "../../errors.ts";
import type { FieldProblem } from "../../field-problem.ts";
import { Turns } from "../../streams/turns.ts";
import type { ModelList } from "../engines/model-list.ts";
import type { EngineScheduler } from "../engines/scheduler.ts";
import { checkProgram } from "./check-program.ts";
import { checkTexts } from "./check-texts.ts";
import type { Fallbacks } from "./fallbacks.ts";
import { updatedParams } from "./params.ts";
import { assertPrompted } from "./prompts.ts";
import type { StreamStore } from "./store.ts";
import type { Stream } from "./stream.ts";

/** Remarks in the answer to a request that was accepted. */
export interface Remarks {
  /** Members of the body that are unknown here. */
  readonly ignored: readonly string[];
  /** What is wrong with parts of its graphs, which do not run. */
  readonly warnings: readonly FieldProblem[];
}

/** Of the engine scheduler. */
interface UpdateScheduler extends Pick<EngineScheduler, "ask"> {
  readonly models: Pick<ModelList, "use">;
}

export class StreamUpdater {
  readonly #scheduler: UpdateScheduler;
  readonly #store: StreamStore;
  readonly #fallbacks: Pick<Fallbacks, "check">;
  readonly #turns = new WeakMap<Stream, Turns>();
  /** The model of each stream as it was described last: one that is removed from the workspace still runs. */
  readonly #models = new WeakMap<Stream, ModelInfo>();

  constructor(scheduler: UpdateScheduler, store: StreamStore, fallbacks: Pick<Fallbacks, "check">) {
    this.#scheduler = scheduler;
    this.#store = store;
    this.#fallbacks = fallbacks;
  }

  /** Records the model with which a stream starts, so that updates are valid for it as long as it runs. */
  started(stream: Stream, model: ModelInfo): void {
    if (!this.#models.has(stream)) this.#models.set(stream, model);
  }

  /**
   * Applies an update's body after those that came before it; returns what was left out of it. Throws
   * `invalid_request`, also for a stream that is over, and `unknown_model`; then the stream is unchanged.
   */
  async apply(stream: Stream, body: unknown): Promise<Remarks> {
    const turns = this.#turns.get(stream) ?? new Turns();
    this.#turns.set(stream, turns);
    return await turns.run(() => this.#apply(stream, body));
  }

  async #apply(stream: Stream, body: unknown): Promise<Remarks> {
    assertRuns(stream);
    const fields = stream.protocol.readUpdate(body);
    const { params, model, ignored } = await this.#scheduler.models.use((models) => {
      const known = this.#withModelOf(stream, models);
      return updatedParams(fields, basisOf(stream, fields), stream.defaults, known);
    });
    const { graphs, model: before, prompts } = stream.params;
    if (stream.protocol.needsPrompts && prompts.length > 0) assertPrompted(params, model);
    if (params.fallback !== stream.params.fallback) {
      await this.#fallbacks.check(params.fallback, stream);
    }
    const isNew = params.graphs !== graphs || params.model !== before;
    const hasInput = stream.spec.input !== undefined;
    const warnings = isNew
      ? [...(await checkProgram({ params, model }, { hasInput, stream }, this.#scheduler))]
      : [];
    if (drawsOtherwise(params, stream.params)) {
      warnings.push(...(await checkTexts(params, stream, this.#scheduler)));
    }
    assertRuns(stream); // it may have ended while an engine was asked
    this.#store.update(stream, params);
    this.#models.set(stream, model);
    return { ignored, warnings };
  }

  #withModelOf(stream: Stream, models: readonly ModelInfo[]): readonly ModelInfo[] {
    const running = this.#models.get(stream);
    const isRemoved = running && models.every(({ name }) => name !== running.name);
    return isRemoved ? [...models, running] : models;
  }
}

/** The parameters that an update changes. */
function basisOf({ params, protocol }: Stream, fields: unknown): StreamParams {
  const preset: unknown = Object(fields).preset ?? null;
  if (preset === null || protocol.presetsChange === "present") return params;
  return { ...params, model_params: {} };
}

/** True where texts may have another meaning for the model than before. */
const drawsOtherwise = (params: StreamParams, before: StreamParams): boolean =>
  params.model !== before.model ||
  !Bun.deepEquals(params.prompts, before.prompts) ||
  !Bun.deepEquals(params.model_params, before.model_params);

function assertRuns({ status, endedAt }: Stream): void {
  if (status === "starting" || status === "active") return;
  const state = endedAt === null ? "is stopping" : "has ended";
  throw new WorkerError("invalid_request", `the stream ${state}; start a new one`);
}
