/** Gives streams and pictures the models and graphs that they ask for, loaded on one device, and lists them with their state. */
import { untilAborted } from "../../streams/until-aborted.ts";
import { ComfyServer } from "../comfyui-server/comfyui-server.ts";
import { LacksNodes } from "../graph/refusal.ts";
import type { LoadEnd } from "../metrics/engine-meter.ts";
import type { ModelCatalogue } from "../models/catalogue.ts";
import type { BrokenModel, UsableModel } from "../models/catalogue-entry.ts";
import type { GraphPlan } from "../models/graph-models.ts";
import type { ModelChain } from "../models/model-chain.ts";
import { PromptEncoder } from "../prompts/prompt-encoder.ts";
import { type NativeCalls, UNRECORDED_CALLS } from "../protocol/call-journal.ts";
import type { ComfyReport } from "../protocol/comfyui-report.ts";
import type { ModelInfo } from "../protocol/models.ts";
import type { GraphUse } from "../protocol/work.ts";
import { type Device, loadDeadlineMs, parseDevice } from "./devices.ts";
import type { LoadProgress } from "./load-times.ts";
import type { LoadedModel } from "./loaded-model.ts";
import { describeModel } from "./model-info.ts";
import { ModelReloader, type ReloadTimes } from "./model-reloader.ts";
import { isFinal, readyIn, slotInfo } from "./model-slot.ts";
import { ModelSlots } from "./model-slots.ts";
import type { ProgramWorker } from "./program-worker.ts";

/** A caller waits this long for changed files to load, then gets the version that is loaded. */
const RELOAD_WAIT_MS = 5000;
/** Closing waits this long for runs in progress; one that hangs ends with the process. */
const CLOSE_MS = 2000;

export class ModelHost implements AsyncDisposable {
  /** Encodes the prompts of all streams. */
  readonly prompts = new PromptEncoder();
  readonly #catalogue: ModelCatalogue;
  readonly #device: Device;
  readonly #onChange: (info: ModelInfo) => void;
  readonly #slots: ModelSlots;
  readonly #reloader: ModelReloader;
  readonly #comfyui: ComfyServer | null;

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
    this.#comfyui = options.comfyuiUrl === undefined ? null : new ComfyServer(options.comfyuiUrl);
    const slots = new ModelSlots({
      device: this.#device,
      maxBatch: options.maxBatch ?? 0,
      memoryLimit: options.memoryLimit ?? null,
      calls: options.calls ?? UNRECORDED_CALLS,
      spare: options.spare ?? null,
      onChange: (name) => this.#report(name),
      onLoaded: options.onLoaded ?? (() => {}),
    });
    this.#slots = slots;
    this.#reloader = new ModelReloader({
      catalogue: this.#catalogue,
      current: () => slots.loaded,
      load: (model) => slots.loadReplacement(model),
      loadDeadlineMs: this.loadDeadlineMs,
      release: (model) => slots.release(model),
      replace: (previous, next) => slots.replace(previous, next),
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
    return this.#slots.loaded.reduce((sum, model) => sum + model.bytes, 0);
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
    const loading = this.#slots.acquire(model);
    if (signal === undefined) return await loading;
    const loaded = await untilAborted(loading, signal);
    if (loaded === null) throw signal.reason;
    return loaded;
  }

  /** The model, and those that feed it. Throws `unknown_model`, and `model_failed` where one of them cannot be used. */
  async chain(name: string): Promise<ModelChain> {
    if (this.#comfyui?.owns(name)) return this.#comfyui.chain(name);
    return await this.#catalogue.chain(name);
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
    this.#reloader[Symbol.dispose]();
    this.prompts[Symbol.dispose]();
    const closed = [this.#slots[Symbol.asyncDispose](), this.#comfyui?.[Symbol.asyncDispose]()];
    await untilAborted(Promise.all(closed), AbortSignal.timeout(CLOSE_MS));
  }

  #report(name: string): void {
    const entry = this.#catalogue.list().find((each) => each.name === name);
    if (entry !== undefined && entry.state !== "parts") this.#onChange(this.#info(entry));
  }

  #info(entry: UsableModel | BrokenModel): ModelInfo {
    const slot = this.#slots.get(entry.name);
    const info = describeModel(entry, (name) => this.#catalogue.definitionOf(name));
    const estimate = entry.state === "usable" ? this.#slots.expectedMs(entry) : null;
    return {
      ...info,
      device: this.#device.name,
      ...(estimate !== null && { load_estimate_ms: Math.round(estimate) }),
      ...(slot && info.state !== "failed" && slotInfo(slot)),
    };
  }
}
