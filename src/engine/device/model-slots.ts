/** Holds the models of one device by name: loads each once for all who ask, and unloads others to make room for it. */
import { WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import type { LoadEnd } from "../metrics/engine-meter.ts";
import type { UsableModel } from "../models/catalogue-entry.ts";
import { GraphModels } from "../models/graph-models.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import { GRAPH_MODEL } from "../protocol/work.ts";
import { type Device, loadDeadlineMs } from "./devices.ts";
import { LoadTimes } from "./load-times.ts";
import { ModelLoader } from "./model-loader.ts";
import { modelsToUnload, residentBytes } from "./model-memory.ts";
import { failedSlot, isFinal, type ModelSlot, readyIn } from "./model-slot.ts";
import type { ModelThread } from "./model-thread.ts";
import type { ProgramWorker } from "./program-worker.ts";
import type { ReadyModel } from "./ready-model.ts";

const log = getLogger("inference");

/** A load is ended for the callers that wait for it; where they have left, so much later for itself. */
const ABANDONED_LOAD_MS = 2000;

export interface ModelSlotsOptions {
  readonly device: Device;
  /** Frames that a model runs at once at most; 0: as many as warm-up finds to pay. */
  readonly maxBatch: number;
  /** Bytes of loaded models beyond which the least recently used one is unloaded; null: no limit. */
  readonly memoryLimit: number | null;
  /** Records the first load of each model, which goes on when its callers have left. */
  readonly calls: NativeCalls;
  /** A thread for the first model, which is ended with the others. */
  readonly spare: ProgramWorker | null;
  /** The slot of the model with this name is another one. */
  readonly onChange: (name: string) => void;
  /** The load of a model has ended. */
  readonly onLoaded: (load: LoadEnd) => void;
}

export class ModelSlots implements AsyncDisposable {
  readonly #options: ModelSlotsOptions;
  readonly #slots = new Map<string, ModelSlot>();
  readonly #loader: ModelLoader;
  readonly #loadTimes: LoadTimes;
  #disposed = false;

  constructor(options: ModelSlotsOptions) {
    this.#options = options;
    this.#loadTimes = new LoadTimes(options.device.name);
    this.#loader = new ModelLoader({
      ...options,
      onLost: (thread, name) => this.#forget(thread, name),
    });
  }

  /** Undefined for a model that nobody has asked for, or that is unloaded. */
  get(name: string): ModelSlot | undefined {
    return this.#slots.get(name);
  }

  /** The versions that new callers get. */
  get loaded(): readonly ReadyModel[] {
    return [...this.#slots.values()].flatMap((slot) => readyIn(slot) ?? []);
  }

  /** Milliseconds that its load should take, or null if there is nothing to estimate from. */
  expectedMs(model: UsableModel): number | null {
    return this.#loadTimes.expected(model);
  }

  /** The model, loaded once for all who ask. Throws `model_failed`, without a load for one that failed with the same files. */
  async acquire(model: UsableModel): Promise<ReadyModel> {
    if (this.#disposed) throw new WorkerError("engine_unavailable", "the engine is closing");
    const slot = this.#slots.get(model.name);
    if (slot?.state === "ready") return slot.model;
    if (slot?.state === "failed" && isFinal(slot, model.stamp)) throw slot.error;
    return await (slot?.state === "warming" ? slot.loading : this.#begin(model));
  }

  /** Loads the model beside the one in its slot, for `replace`. The caller releases it. */
  loadReplacement(model: UsableModel): Promise<ReadyModel> {
    return this.#load(model);
  }

  /** The previous version may have ended by itself meanwhile, and another load be under way. */
  replace(previous: ReadyModel, next: ReadyModel): void {
    if (this.#disposed || readyIn(this.#slots.get(next.name)) !== previous) {
      this.release(next);
      return;
    }
    this.#become(next, { state: "ready", model: next });
  }

  /** Ends the threads of a model that has no slot, once its runs in progress have finished. */
  release(model: ReadyModel): void {
    void this.#loader.release(model);
  }

  /** Releases every model; waits for runs in progress, also for one that hangs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.#loader[Symbol.asyncDispose]();
  }

  #begin(model: UsableModel): Promise<ReadyModel> {
    const { calls, device } = this.#options;
    const since = performance.now();
    const expectedMs = this.#loadTimes.expected(model);
    const last = this.#slots.get(model.name);
    const call = calls.begin("load", loadDeadlineMs(device) + ABANDONED_LOAD_MS);
    const loading = this.#load(model).finally(() => call[Symbol.dispose]());
    this.#become(model, { state: "warming", loading, since, expectedMs });
    loading.then(
      (loaded) => {
        this.#loadTimes.learn(model, performance.now() - since);
        this.#become(model, { state: "ready", model: loaded });
      },
      (error: WorkerError) => this.#become(model, failedSlot(model, error, last)),
    );
    return loading;
  }

  async #load(model: UsableModel): Promise<ReadyModel> {
    this.#makeRoom(model);
    const begun = performance.now();
    const report = (outcome: LoadEnd["outcome"]): void => {
      const name = GraphModels.owns(model.name) ? GRAPH_MODEL : model.name;
      this.#options.onLoaded({ model: name, outcome, ms: performance.now() - begun });
    };
    try {
      const loaded = await this.#loader.load(model);
      report("ready");
      return loaded;
    } catch (error) {
      report("failed");
      throw error;
    }
  }

  /** Unloads models that are not in use until this one fits beside the others. */
  #makeRoom(wanted: UsableModel): void {
    const { memoryLimit, onChange } = this.#options;
    if (memoryLimit === null) return;
    const others = this.loaded.filter((each) => each.name !== wanted.name);
    const needed = residentBytes(wanted);
    for (const model of modelsToUnload(others, needed, memoryLimit, performance.now())) {
      log.info("model unloaded", { model: model.name, bytes: model.bytes });
      this.#slots.delete(model.name);
      this.release(model);
      onChange(model.name);
    }
  }

  /** A thread has ended by itself or hangs: the next caller that asks for its model loads it anew. */
  #forget(thread: ModelThread, name: string): void {
    if (this.#disposed || readyIn(this.#slots.get(name))?.thread !== thread) return;
    this.#slots.delete(name);
    this.#options.onChange(name);
  }

  #become({ name }: Pick<UsableModel, "name">, slot: ModelSlot): void {
    if (this.#disposed) return;
    this.#slots.set(name, slot);
    if (slot.state === "failed") log.error("model failed", { error: slot.error.message });
    this.#options.onChange(name);
  }
}
