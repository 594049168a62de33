/** Loads models on one device and runs them for the streams. Hides threads, lanes and what is loaded where. */
import { availableParallelism } from "node:os";
import { toPlainError, WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import type { Picture } from "../../media/picture.ts";
import { untilAborted } from "../../streams/until-aborted.ts";
import type { ModelCatalogue } from "../models/catalogue.ts";
import { inputSize, type ModelDefinition, type Size } from "../models/definition.ts";
import type { CatalogueEntry, UsableModel } from "../models/model-folder.ts";
import { defaultControls } from "../prompts/controls.ts";
import { PromptEncoder } from "../prompts/prompt-encoder.ts";
import type { ModelInfo } from "../protocol/models.ts";
import { DeviceGate } from "./device-gate.ts";
import { type Device, parseDevice } from "./devices.ts";
import { InferenceWorker } from "./inference-worker.ts";
import { type LoadProgress, LoadTimes } from "./load-times.ts";
import { describeModel } from "./model-info.ts";
import { ModelReloader, type ReloadTimes } from "./model-reloader.ts";
import type { TextVector } from "./protocol.ts";
import { ReadyModel } from "./ready-model.ts";
import { scalarsOf } from "./scalars.ts";

const log = getLogger("inference");

/** One frame's work. */
export interface InferenceJob {
  /** Whose frame it is: streams share the device's time by it. */
  readonly key: string;
  /** Consumed: its memory moves to the worker. Needed by models that take video, ignored by the others. */
  readonly picture?: Picture;
  /** The size that models which draw from nothing are to give. */
  readonly size: Size;
  /** By parameter name; those absent have the model's default. */
  readonly params: Readonly<Record<string, number>>;
  readonly timeSeconds: number;
  /** As `RateSums` gives them; absent: every parameter has been what it is from the start. */
  readonly sums?: Readonly<Record<string, number>>;
  /** The prompts as `StreamPrompts` gives them; absent: no prompt. */
  readonly text?: TextVector;
  /** Ends the waiting; a run that has begun is finished first. */
  readonly signal?: AbortSignal;
}

export interface InferenceResult {
  /** The caller's. Its size may differ from what went in. */
  readonly picture: Picture;
  /** The run alone, without waiting. */
  readonly inferenceMs: number;
}

/** A model that is ready. Owned by its host, which keeps it loaded. */
export interface LoadedModel {
  readonly definition: ModelDefinition;
  readonly executionProvider: string;
  /** True once its thread has ended: `acquire` it again. */
  isLost(): boolean;
  /** True once a version of newer files is ready: `acquire` gives that one, and this one ends when it is idle. */
  isOutdated(): boolean;
  /** Why its changed files could not be loaded; null while it is what the workspace holds. */
  reloadError(): WorkerError | null;
  /** The size a picture must have that comes from a source of this size. */
  inputSize(source: Size): Size;
  /** Throws `model_failed` for a run that fails; the model lives on. */
  run(job: InferenceJob): Promise<InferenceResult>;
}

type Slot =
  | ({ readonly state: "warming"; readonly loading: Promise<ReadyModel> } & LoadProgress)
  | { readonly state: "ready"; readonly model: ReadyModel }
  | { readonly state: "failed"; readonly stamp: string; readonly error: WorkerError };

/** What a model is warmed up at where its size is free. */
const WARM_UP: Size = { width: 512, height: 512 };

export class ModelHost implements AsyncDisposable {
  /** Encodes the prompts of all streams. */
  readonly prompts = new PromptEncoder();
  readonly #catalogue: ModelCatalogue;
  readonly #device: Device;
  readonly #onChange: (info: ModelInfo) => void;
  readonly #gate: DeviceGate;
  readonly #slots = new Map<string, Slot>();
  readonly #workers = new Set<InferenceWorker>();
  readonly #loadTimes: LoadTimes;
  readonly #reloader: ModelReloader;
  #disposed = false;

  /** `device` as in the configuration; throws `device_unavailable` for names that are not known. */
  constructor(options: {
    catalogue: ModelCatalogue;
    device: string;
    onChange: (info: ModelInfo) => void;
    reloadTimes?: ReloadTimes;
  }) {
    this.#catalogue = options.catalogue;
    this.#device = parseDevice(options.device);
    this.#onChange = options.onChange;
    this.#loadTimes = new LoadTimes(this.#device.name);
    this.#gate = new DeviceGate(this.#device.lanes(availableParallelism()));
    this.#reloader = new ModelReloader({
      catalogue: this.#catalogue,
      current: () => [...this.#slots.values()].flatMap((slot) => readyIn(slot) ?? []),
      load: (model) => this.#load(model),
      replace: (previous, next) => this.#replace(previous, next),
      onRejected: ({ name }) => this.#report(name),
      times: options.reloadTimes,
    });
  }

  /** Every model of the catalogue with its state here. */
  infos(): ModelInfo[] {
    return this.#catalogue.list().map((entry) => this.#info(entry));
  }

  /** Throws `unknown_model` or `model_failed` for a model that cannot be loaded, without loading it. */
  async check(name: string): Promise<void> {
    const { stamp } = await this.#catalogue.get(name);
    const slot = this.#slots.get(name);
    if (slot?.state === "failed" && slot.stamp === stamp) throw slot.error;
    if (slot?.state === "ready" && slot.model.hasRejected(stamp)) throw slot.model.reloadError();
  }

  /**
   * A model, loaded once for all who ask, from the files that lie there now. Throws `unknown_model` and
   * `model_failed`; one that failed is tried again when its files have changed. Changed files that cannot be
   * loaded give the version that is loaded already. The signal ends the waiting, not the loading.
   */
  async acquire(name: string, signal?: AbortSignal): Promise<LoadedModel> {
    signal?.throwIfAborted();
    const ready = readyIn(this.#slots.get(name));
    if (ready !== null) {
      const refreshed = this.#reloader.refresh(ready);
      await (signal === undefined ? refreshed : untilAborted(refreshed, signal));
      signal?.throwIfAborted();
      const current = readyIn(this.#slots.get(name));
      if (current !== null) return current;
    }
    const model = await this.#catalogue.get(name);
    signal?.throwIfAborted();
    if (this.#disposed) throw closing();
    const slot = this.#slots.get(name);
    if (slot?.state === "ready") return slot.model;
    if (slot?.state === "failed" && slot.stamp === model.stamp) throw slot.error;
    const loading = slot?.state === "warming" ? slot.loading : this.#begin(model);
    if (signal === undefined) return await loading;
    const loaded = await untilAborted(loading, signal);
    if (loaded === null) throw signal.reason;
    return loaded;
  }

  /** The load of a model that is under way; null for all others. */
  loading(name: string): LoadProgress | null {
    const slot = this.#slots.get(name);
    if (slot?.state !== "warming") return null;
    const { since, expectedMs } = slot;
    return { since, expectedMs };
  }

  /** Lets runs under way finish, releases every model and ends its thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#gate.close(closing());
    this.#reloader[Symbol.dispose]();
    this.prompts[Symbol.dispose]();
    await Promise.all([...this.#workers].map((worker) => worker[Symbol.asyncDispose]()));
  }

  #begin(model: UsableModel): Promise<ReadyModel> {
    const since = performance.now();
    const expectedMs = this.#loadTimes.expected(model);
    const loading = this.#load(model);
    this.#become(model, { state: "warming", loading, since, expectedMs });
    loading.then(
      (loaded) => {
        this.#loadTimes.learn(model, performance.now() - since);
        this.#become(model, { state: "ready", model: loaded });
      },
      (error: WorkerError) => this.#become(model, { state: "failed", stamp: model.stamp, error }),
    );
    return loading;
  }

  async #load(model: UsableModel): Promise<ReadyModel> {
    const { name, definition, graph } = model;
    const worker = new InferenceWorker();
    this.#workers.add(worker);
    try {
      const { settings, executionProvider } = this.#device;
      const warmUp = inputSize(definition, WARM_UP);
      const load = { source: graph, definition, settings, warmUp, text: defaultControls() };
      const { loadMs: load_ms, warmUpMs: warm_up_ms } = await worker.call("load", load);
      log.info("model loaded", { model: name, device: this.#device.name, load_ms, warm_up_ms });
      const ready = new ReadyModel({
        model,
        worker,
        executionProvider,
        run: (job) => this.#run(worker, definition, job),
      });
      void worker.exited.then(() => this.#forget(ready));
      return ready;
    } catch (error) {
      this.#workers.delete(worker);
      await worker[Symbol.asyncDispose]();
      const { kind, message } = toPlainError(error, "model_failed");
      throw new WorkerError(kind, `model ${name} cannot be loaded: ${message}`, { cause: error });
    }
  }

  async #run(
    worker: InferenceWorker,
    definition: ModelDefinition,
    job: InferenceJob,
  ): Promise<InferenceResult> {
    const leave = await this.#gate.enter(job.key, worker, job.signal);
    try {
      if (this.#disposed) throw closing();
      const picture = definition.frame === null ? null : (job.picture ?? null);
      const result = await worker.call(
        "run",
        { picture, scalars: scalarsOf(definition, job), text: job.text ?? defaultControls() },
        picture === null ? [] : [picture.data.buffer],
      );
      job.signal?.throwIfAborted();
      return result;
    } finally {
      leave();
    }
  }

  /** A thread that ended by itself takes its model along; the next caller loads it anew. */
  #forget(model: ReadyModel): void {
    this.#workers.delete(model.worker);
    if (this.#disposed || readyIn(this.#slots.get(model.name)) !== model) return;
    log.error("inference thread ended", { model: model.name });
    this.#slots.delete(model.name);
    this.#report(model.name);
  }

  /** The previous version may have ended by itself meanwhile, and another load be under way. */
  #replace(previous: ReadyModel, next: ReadyModel): void {
    if (this.#disposed || readyIn(this.#slots.get(next.name)) !== previous) {
      void next.worker[Symbol.asyncDispose]();
      return;
    }
    this.#slots.set(next.name, { state: "ready", model: next });
    this.#report(next.name);
  }

  #become(model: UsableModel, slot: Slot): void {
    if (this.#disposed) return;
    this.#slots.set(model.name, slot);
    if (slot.state === "failed") log.error("model failed", { error: slot.error.message });
    this.#report(model.name);
  }

  #report(name: string): void {
    const entry = this.#catalogue.list().find((each) => each.name === name);
    if (entry !== undefined) this.#onChange(this.#info(entry));
  }

  #info(entry: CatalogueEntry): ModelInfo {
    const slot = this.#slots.get(entry.name);
    return {
      ...describeModel(entry),
      device: this.#device.name,
      ...(slot && entry.state === "usable" && stateOf(slot)),
    };
  }
}

const readyIn = (slot: Slot | undefined): ReadyModel | null =>
  slot?.state === "ready" ? slot.model : null;

function stateOf(slot: Slot): Pick<ModelInfo, "state" | "error" | "execution_provider"> {
  switch (slot.state) {
    case "warming":
      return { state: "warming" };
    case "ready": {
      const { executionProvider: execution_provider } = slot.model;
      const rejected = slot.model.reloadError();
      if (rejected === null) return { state: "ready", execution_provider };
      return { state: "failed", error: rejected.message, execution_provider };
    }
    case "failed":
      return { state: "failed", error: slot.error.message };
  }
}

const closing = (): WorkerError =>
  new WorkerError("engine_unavailable", "the engine is closing: models are no longer run");
