/** Opens models in threads of their own on one device, which all of them share, and ends those threads. */
import { availableParallelism } from "node:os";
import { toPlainError, WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import type { UsableModel } from "../models/catalogue-entry.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { Size } from "../protocol/work.ts";
import { type Device, loadDeadlineMs, settingsFor } from "./devices.ts";
import { separatesSizes } from "./model-memory.ts";
import { type LoadReport, ModelThread } from "./model-thread.ts";
import { ProgramWorker } from "./program-worker.ts";
import { ReadyModel } from "./ready-model.ts";
import { DeviceScheduler } from "./scheduler.ts";
import { SizeThreads } from "./size-threads.ts";

const log = getLogger("inference");

export interface ModelLoaderOptions {
  readonly device: Device;
  /** Frames that a model runs at once at most; 0: as many as warm-up finds to pay. */
  readonly maxBatch: number;
  /** Where the loads of further threads are recorded; that of a model's first thread is its caller's. */
  readonly calls: NativeCalls;
  /** The thread of a model has ended by itself or hangs. */
  readonly onLost: (thread: ModelThread, name: string) => void;
  /** A thread for the first model, which need not wait until a new one has loaded its modules. The loader ends it. */
  readonly spare: ProgramWorker | null;
}

export class ModelLoader implements AsyncDisposable {
  readonly #options: ModelLoaderOptions;
  readonly #scheduler: DeviceScheduler;
  readonly #threads = new Set<ModelThread>();
  #spare: ProgramWorker | null;
  #closed = false;

  constructor(options: ModelLoaderOptions) {
    this.#options = options;
    this.#spare = options.spare;
    this.#scheduler = new DeviceScheduler({
      lanes: options.device.lanes(availableParallelism()),
    });
  }

  /** Opens the model and warms it up. Rejects with `model_failed`. */
  async load(model: UsableModel): Promise<ReadyModel> {
    const { device, onLost } = this.#options;
    const { thread, report } = await this.#open(model, (lost) => {
      void this.#close(lost);
      onLost(lost, model.name);
    });
    const executionProvider = mainProvider(report) ?? device.executionProvider;
    return new ReadyModel({ model, thread, large: this.#large(model, thread), executionProvider });
  }

  /** Lets runs in progress finish, and ends the model's threads. */
  async release(model: ReadyModel): Promise<void> {
    await model[Symbol.asyncDispose]();
    this.#threads.delete(model.thread);
  }

  /** Refuses what waits and arrives, and ends all threads; waits for runs in progress, also for one that hangs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#scheduler.close(closing());
    const threads = [...this.#threads].map((thread) => this.#close(thread));
    await Promise.all([...threads, this.#spare?.[Symbol.asyncDispose]()]);
  }

  /** Null where the model's pictures have one size, and where runs are short or memory is dear. */
  #large(model: UsableModel, base: ModelThread): SizeThreads | null {
    const { bytes, definition } = model;
    const isSeparated = separatesSizes(this.#options.device, { ...definition, bytes });
    if (!isSeparated) return null;
    return new SizeThreads({
      base,
      open: async (size) => {
        using _call = this.#options.calls.begin("load", loadDeadlineMs(this.#options.device));
        const { thread } = await this.#open(model, (lost) => void this.#close(lost), halved(size));
        return thread;
      },
      close: (thread) => this.#close(thread),
    });
  }

  async #open(
    { name, definition, program }: UsableModel,
    onLost: (thread: ModelThread) => void,
    warmUp?: Size,
  ): Promise<{ thread: ModelThread; report: LoadReport }> {
    if (this.#closed) throw closing();
    const { device, maxBatch } = this.#options;
    const thread: ModelThread = new ModelThread({
      worker: this.#freeWorker(),
      definition,
      device,
      maxBatch,
      scheduler: this.#scheduler,
      settings: settingsFor(
        device,
        definition.run.threads,
        warmUp === undefined ? "usual" : "large",
      ),
      onLost: () => onLost(thread),
    });
    this.#threads.add(thread);
    try {
      const report = await thread.load(program, warmUp);
      const { loadMs: load_ms, warmUpMs: warm_up_ms, placements } = report;
      const about = { model: name, device: device.name, load_ms, warm_up_ms };
      log.info("model loaded", { ...about, batch: thread.maxBatch, ...placements });
      const provider = mainProvider(report);
      if (provider !== undefined && provider !== device.executionProvider) {
        const wanted = device.executionProvider;
        log.warn("most of the model does not run on the device", { model: name, wanted, provider });
      }
      return { thread, report };
    } catch (error) {
      await this.#close(thread);
      const { kind, message } = toPlainError(error, "model_failed");
      throw new WorkerError(kind, `model ${name} cannot be loaded: ${message}`, { cause: error });
    }
  }

  #freeWorker(): ProgramWorker {
    const spare = this.#spare;
    this.#spare = null;
    return spare?.isAlive ? spare : new ProgramWorker();
  }

  /** Resolves when the thread has ended, which one that hangs may never do. */
  async #close(thread: ModelThread): Promise<void> {
    await thread[Symbol.asyncDispose]();
    this.#threads.delete(thread);
  }
}

/** A quarter of the pixels: enough to know what each takes, and soon done. */
const halved = ({ width, height }: Size): Size => ({
  width: Math.max(1, width >> 1),
  height: Math.max(1, height >> 1),
});

/** The execution provider that runs most nodes; undefined where none was recorded. */
const mainProvider = ({ placements }: LoadReport): string | undefined =>
  Object.entries(placements).sort(([, a], [, b]) => b - a)[0]?.[0];

const closing = (): WorkerError =>
  new WorkerError("engine_unavailable", "the engine is closing: models are no longer run");
