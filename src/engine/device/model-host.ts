/** Loads models on one device, each in a thread of its own, and runs them for streams and pictures. */
import { WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { untilAborted } from "../../streams/until-aborted.ts";
import { ComfyServer } from "../comfyui-server/comfyui-server.ts";
import { LacksNodes } from "../graph/refusal.ts";
import type { LoadEnd } from "../metrics/engine-meter.ts";
import type { ModelCatalogue } from "../models/catalogue.ts";
import type { BrokenModel, UsableModel } from "../models/catalogue-entry.ts";
import { GraphModels, type GraphPlan } from "../models/graph-models.ts";
import type { ModelChain } from "../models/model-chain.ts";
import { PromptEncoder } from "../prompts/prompt-encoder.ts";
import { type NativeCalls, UNRECORDED_CALLS } from "../protocol/call-journal.ts";
import type { ComfyReport } from "../protocol/comfyui-report.ts";
import type { ModelInfo } from "../protocol/models.ts";
import { GRAPH_MODEL, type GraphUse } from "../protocol/work.ts";
import { type Device, loadDeadlineMs, parseDevice } from "./devices.ts";
import { type LoadProgress, LoadTimes } from "./load-times.ts";
import type { LoadedModel } from "./loaded-model.ts";
import { describeModel } from "./model-info.ts";
import { ModelLoader } from "./model-loader.ts";
import { modelsToUnload, residentBytes } from "./model-memory.ts";
import { ModelReloader, type ReloadTimes } from "./model-reloader.ts";
import { failedSlot, isFinal, type ModelSlot, readyIn, slotInfo } from "./model-slot.ts";
import type { ModelThread } from "./model-thread.ts";
import type { ProgramWorker } from "./program-worker.ts";
import type { ReadyModel } from "./ready-model.ts";

const log = getLogger("inference");

/** A caller waits this long for changed files to load, then gets the version that is loaded. */
const RELOAD_WAIT_MS = 5000;
/** A load is ended for the callers that wait for it; where they have left, so much later for itself. */
const ABANDONED_LOAD_MS = 2000;
/** Closing waits this long for runs in progress; one that hangs ends with the process. */
const CLOSE_MS = 2000;

export class ModelHost implements AsyncDisposable {
  /** Encodes the prompts of all streams. */
  readonly prompts = new PromptEncoder();
  readonly #catalogue: ModelCatalogue;
  readonly #device: Device;
  readonly #onChange: (info: ModelInfo) => void;
  readonly #onLoaded: (load: LoadEnd) => void;
  readonly #memoryLimit: number | null;
  readonly #slots = new Map<string, ModelSlot>();
  readonly #loader: ModelLoader;
  readonly #loadTimes: LoadTimes;
  readonly #reloader: ModelReloader;
  readonly #comfyui: ComfyServer | null;
  readonly #calls: NativeCalls;
  #disposed = false;

  /** `device` as in the configuration; throws `device_unavailable` for names that are not known. */
  constructor(options: {
    catalogue: ModelCatalogue;
    device: string;
    onChange: (info: ModelInfo) => void;
    /** Frames that a model runs at once at most; 0: as many as warm-up finds to pay. */
    maxBatch?: number;
    /** Bytes of loaded models beyond which the least recently used one is unloaded. */
    memoryLimit?: number | undefined;
    /** A ComfyUI that runs graphs with nodes that do not run here. */
    comfyuiUrl?: string | undefined;
    /** Records the first load of each model, which goes on when its callers have left. */
    calls?: NativeCalls;
    reloadTimes?: ReloadTimes;
    /** A thread for the first model, which the host ends. Default: each model gets a new one. */
    spare?: ProgramWorker;
    /** The load of a model has ended. */
    onLoaded?: (load: LoadEnd) => void;
  }) {
    this.#catalogue = options.catalogue;
    this.#device = parseDevice(options.device);
    this.#onChange = options.onChange;
    this.#onLoaded = options.onLoaded ?? (() => {});
    this.#calls = options.calls ?? UNRECORDED_CALLS;
    this.#loadTimes = new LoadTimes(this.#device.name);
    this.#memoryLimit = options.memoryLimit ?? null;
    this.#comfyui = options.comfyuiUrl === undefined ? null : new ComfyServer(options.comfyuiUrl);
    this.#loader = new ModelLoader({
      device: this.#device,
      maxBatch: options.maxBatch ?? 0,
      calls: this.#calls,
      onLost: (thread, name) => this.#forget(thread, name),
      spare: options.spare ?? null,
    });
    this.#reloader = new ModelReloader({
      catalogue: this.#catalogue,
      current: () => this.#loaded,
      load: (model) => this.#load(model),
      loadDeadlineMs: this.loadDeadlineMs,
      release: (model) => void this.#loader.release(model),
      replace: (previous, next) => this.#replace(previous, next),
      onRejected: ({ name }) => this.#report(name),
      times: options.reloadTimes,
    });
  }

  /** Deadline of loading a model, its warm-up run included. */
  get loadDeadlineMs(): number {
    return loadDeadlineMs(this.#device);
  }

  /** Bytes that the loaded models are estimated to take. */
  get modelBytes(): number {
    return this.#loaded.reduce((sum, model) => sum + model.bytes, 0);
  }

  get #loaded(): readonly ReadyModel[] {
    return [...this.#slots.values()].flatMap((slot) => readyIn(slot) ?? []);
  }

  /** Every model of the catalogue with its state here. Folders that only graphs use are no models. */
  infos(): ModelInfo[] {
    return this.#catalogue
      .list()
      .flatMap((entry) => (entry.state === "parts" ? [] : [this.#info(entry)]));
  }

  /** Throws `unknown_model` or `model_failed` for a model that cannot be loaded, without loading it. */
  async check(name: string): Promise<void> {
    const { stamp } = await this.#catalogue.get(name);
    await this.#catalogue.chain(name);
    const slot = this.#slots.get(name);
    if (slot?.state === "failed" && isFinal(slot, stamp)) throw slot.error;
    if (slot?.state === "ready" && slot.model.hasRejected(stamp)) throw slot.model.reloadError();
  }

  /**
   * A model, loaded once for all who ask, from the files that lie there now. Throws `unknown_model` and `model_failed`; one
   * that failed is tried again when its files have changed, or a while after the machine was short of memory or files. Changed
   * files that cannot be loaded, or take long, give the version that is loaded already. The signal ends the waiting, not the
   * loading.
   */
  async acquire(name: string, signal?: AbortSignal): Promise<LoadedModel> {
    signal?.throwIfAborted();
    if (this.#comfyui?.owns(name)) return await this.#comfyui.acquire(name);
    const ready = readyIn(this.#slots.get(name));
    if (ready !== null) {
      const patience = AbortSignal.timeout(RELOAD_WAIT_MS);
      const ended = signal === undefined ? patience : AbortSignal.any([signal, patience]);
      await untilAborted(this.#reloader.refresh(ready), ended);
      signal?.throwIfAborted();
      const current = readyIn(this.#slots.get(name));
      if (current !== null) return current;
    }
    const model = await this.#catalogue.get(name);
    signal?.throwIfAborted();
    if (this.#disposed) throw new WorkerError("engine_unavailable", "the engine is closing");
    const slot = this.#slots.get(name);
    if (slot?.state === "ready") return slot.model;
    if (slot?.state === "failed" && isFinal(slot, model.stamp)) throw slot.error;
    const loading = slot?.state === "warming" ? slot.loading : this.#begin(model);
    if (signal === undefined) return await loading;
    const loaded = await untilAborted(loading, signal);
    if (loaded === null) throw signal.reason;
    return loaded;
  }

  /**
   * The model that runs these ComfyUI graphs: those with nodes that do not run here go to the operator's ComfyUI, if
   * there is one. Throws `invalid_request` with what is wrong with them, and `comfyui_unavailable`.
   */
  async planGraphs(graphs: readonly string[], use: GraphUse): Promise<GraphPlan> {
    await this.#catalogue.refresh();
    try {
      return await this.#catalogue.graphs.plan(graphs, use);
    } catch (error) {
      if (!(error instanceof LacksNodes) || this.#comfyui === null) throw error;
      return { model: await this.#comfyui.nameFor(graphs, use, error), warnings: [] };
    }
  }

  /** The name of that model. */
  async graphModel(graphs: readonly string[], use: GraphUse): Promise<string> {
    const { model } = await this.planGraphs(graphs, use);
    return model;
  }

  /** What the operator's ComfyUI is like; null where there is none. */
  async examineComfyUi(): Promise<ComfyReport | null> {
    return this.#comfyui === null ? null : await this.#comfyui.examine();
  }

  /** The load of a model that is under way; null for all others. */
  loading(name: string): LoadProgress | null {
    const slot = this.#slots.get(name);
    if (slot?.state !== "warming") return null;
    const { since, expectedMs } = slot;
    return { since, expectedMs };
  }

  /** Lets runs in progress finish, but not one that hangs, releases every model and ends its thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#reloader[Symbol.dispose]();
    this.prompts[Symbol.dispose]();
    const closed = [this.#loader[Symbol.asyncDispose](), this.#comfyui?.[Symbol.asyncDispose]()];
    await untilAborted(Promise.all(closed), AbortSignal.timeout(CLOSE_MS));
  }

  #begin(model: UsableModel): Promise<ReadyModel> {
    const since = performance.now();
    const expectedMs = this.#loadTimes.expected(model);
    const last = this.#slots.get(model.name);
    const call = this.#calls.begin("load", this.loadDeadlineMs + ABANDONED_LOAD_MS);
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

  /** The model, and those that feed it. Throws `unknown_model`, and `model_failed` where one of them cannot be used. */
  async chain(name: string): Promise<ModelChain> {
    if (this.#comfyui?.owns(name)) return this.#comfyui.chain(name);
    return await this.#catalogue.chain(name);
  }

  async #load(model: UsableModel): Promise<ReadyModel> {
    this.#makeRoom(model);
    const begun = performance.now();
    const report = (outcome: LoadEnd["outcome"]): void => {
      const name = GraphModels.owns(model.name) ? GRAPH_MODEL : model.name;
      this.#onLoaded({ model: name, outcome, ms: performance.now() - begun });
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
    if (this.#memoryLimit === null) return;
    const others = this.#loaded.filter((each) => each.name !== wanted.name);
    const needed = residentBytes(wanted);
    for (const model of modelsToUnload(others, needed, this.#memoryLimit, performance.now())) {
      log.info("model unloaded", { model: model.name, bytes: model.bytes });
      this.#slots.delete(model.name);
      void this.#loader.release(model);
      this.#report(model.name);
    }
  }

  /** A thread has ended by itself or hangs: the next caller that asks for its model loads it anew. */
  #forget(thread: ModelThread, name: string): void {
    if (this.#disposed || readyIn(this.#slots.get(name))?.thread !== thread) return;
    this.#slots.delete(name);
    this.#report(name);
  }

  /** The previous version may have ended by itself meanwhile, and another load be under way. */
  #replace(previous: ReadyModel, next: ReadyModel): void {
    if (this.#disposed || readyIn(this.#slots.get(next.name)) !== previous) {
      void this.#loader.release(next);
      return;
    }
    this.#slots.set(next.name, { state: "ready", model: next });
    this.#report(next.name);
  }

  #become(model: UsableModel, slot: ModelSlot): void {
    if (this.#disposed) return;
    this.#slots.set(model.name, slot);
    if (slot.state === "failed") log.error("model failed", { error: slot.error.message });
    this.#report(model.name);
  }

  #report(name: string): void {
    const entry = this.#catalogue.list().find((each) => each.name === name);
    if (entry !== undefined && entry.state !== "parts") this.#onChange(this.#info(entry));
  }

  #info(entry: UsableModel | BrokenModel): ModelInfo {
    const slot = this.#slots.get(entry.name);
    const info = describeModel(entry, (name) => this.#catalogue.definitionOf(name));
    const estimate = entry.state === "usable" ? this.#loadTimes.expected(entry) : null;
    return {
      ...info,
      device: this.#device.name,
      ...(estimate !== null && { load_estimate_ms: Math.round(estimate) }),
      ...(slot && info.state !== "failed" && slotInfo(slot)),
    };
  }
}
