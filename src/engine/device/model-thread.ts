/** Runs one loaded model in its own thread, tracks how long its runs take, and detects runs that hang. */
import { WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import type { ModelDefinition } from "../models/definition.ts";
import type { ProgramSource } from "../models/onnx-source.ts";
import type { RunItem } from "../models/roles/role.ts";
import { graphsIn, sampleItem } from "../models/run-values.ts";
import type { Size } from "../protocol/work.ts";
import { batchKey } from "./batch-key.ts";
import { type Device, loadDeadlineMs, type SessionSettings } from "./devices.ts";
import { type BatchRunner, TooLate } from "./job.ts";
import type { InferenceJob, InferenceResult } from "./loaded-model.ts";
import type { ProgramWorker } from "./program-worker.ts";
import { RunWatch } from "./run-watch.ts";
import type { DeviceScheduler } from "./scheduler.ts";

const log = getLogger("inference");

/** A run hangs when it takes this many times what is usual for its size, and this long at least. */
const HUNG = 10;
const HUNG_MS = 5000;
/** A run that takes `HUNG` times what is usual and this long holds up other streams no longer: they get a new thread. */
const ABANDONED_MS = 2500;

/** Taken for the duration of a graph that has not run yet, so that short runs go beside it. */
const NEW_GRAPH_MS = 1000;

/** Batches that warm-up tries, as long as the smaller one pays. */
const BATCHES = [2, 4, 8, 16];
/** A batch pays if an item takes at most this share of its time alone. */
const PAYS = 0.9;

export interface ModelThreadOptions {
  /** The thread, without a program. This object ends it. */
  readonly worker: ProgramWorker;
  readonly definition: ModelDefinition;
  readonly device: Device;
  readonly settings: SessionSettings;
  readonly scheduler: DeviceScheduler;
  /** Items in a run at most; 0: as many as warm-up found to pay. */
  readonly maxBatch: number;
  /** Called once when the thread has ended by itself or hangs. */
  readonly onLost: () => void;
}

export interface LoadReport {
  readonly loadMs: number;
  readonly warmUpMs: number;
  /** Number of nodes by execution provider; empty where the session is not profiled. */
  readonly placements: Readonly<Record<string, number>>;
}

/** Takes the runs of one lane, where several lanes may have one in progress. */
type LaneRunner = BatchRunner<InferenceJob, InferenceResult>;

export class ModelThread implements BatchRunner<InferenceJob, InferenceResult>, AsyncDisposable {
  /** Items that a run may have. */
  maxBatch = 1;
  readonly queues = true;
  readonly #options: ModelThreadOptions;
  readonly #worker: ProgramWorker;
  readonly #watch = new RunWatch(() => this.#lose("a run hangs"));
  /** By lane, for programs that interleave runs; empty for others, whose only runner is the thread. */
  readonly #laneRunners = new Map<string, LaneRunner>();
  #interleaves = false;
  #msPerPixel = 0;
  /** Of a pipeline's warm-up: it gives some pictures again without a run, which says nothing of how long the next takes. */
  #leastMsPerPixel = 0;
  /** Milliseconds for each pixel by list of ComfyUI graphs: one may have twenty steps where another has one. */
  readonly #graphs = new WeakMap<readonly string[], number>();
  #lost = false;

  constructor(options: ModelThreadOptions) {
    this.#options = options;
    this.#worker = options.worker;
  }

  /** True once it has ended by itself, or hangs, or was closed. */
  get isLost(): boolean {
    return this.#lost;
  }

  /** Opens the graph, runs it at this size where the model takes any, and finds out which batches pay. Throws `model_failed`. */
  async load(source: ProgramSource, size?: Size): Promise<LoadReport> {
    const { definition, settings } = this.#options;
    this.#interleaves = "comfy" in source;
    const { loadMs } = await this.#worker.call("open", { source, definition, settings });
    const item = sampleItem(definition, size);
    const { ms } = await this.#worker.call("prepare", { item, count: 1, times: 1 });
    this.#msPerPixel = ms / pixelsOf(item);
    if ("pipeline" in source) this.#leastMsPerPixel = this.#msPerPixel;
    await this.#findBatch(item, sampleItem(definition, size, "patterned"));
    const placements = settings.enableProfiling ? await this.#worker.call("placements", null) : {};
    void this.#worker.exited.then(() => this.#lose("its thread ended"));
    return { loadMs, warmUpMs: ms, placements };
  }

  /** Throws `model_failed` for a run that fails, `TooLate`, and the signal's reason; the thread lives on. */
  async submit(job: InferenceJob): Promise<InferenceResult> {
    const { scheduler, definition } = this.#options;
    scheduler.throwIfClosed();
    if (this.#lost) throw this.#lostError("it is gone");
    const { key, lane, deadline, signal, onStart } = job;
    const pace = this.#paceOf(job);
    const leave = () => this.abandon(lane, 0);
    if (this.#interleaves) signal?.addEventListener("abort", leave, { once: true });
    try {
      const { result } = await scheduler.submit(this.#runnerOf(lane), {
        stream: key,
        item: job,
        batchKey: this.maxBatch > 1 ? batchKey(definition, job) : null,
        expectedMs: pace === null ? NEW_GRAPH_MS : pace * pixelsOf(job),
        ...(deadline !== undefined && { deadline }),
        ...(signal && { signal }),
        ...(onStart && { onStart }),
      });
      return result;
    } finally {
      if (this.#interleaves) signal?.removeEventListener("abort", leave);
      signal?.throwIfAborted();
    }
  }

  /** Called by the scheduler. */
  async run(jobs: readonly InferenceJob[]): Promise<readonly InferenceResult[]> {
    const pixels = jobs.reduce((sum, job) => sum + pixelsOf(job), 0);
    const [pace] = jobs.map((job) => this.#paceOf(job)); // graphs run one at a time
    // The first run of a graph opens its networks.
    const longMs =
      pace == null
        ? loadDeadlineMs(this.#options.device)
        : HUNG * Math.max(pace, this.#leastMsPerPixel) * pixels;
    // It begins when the thread has time for it.
    const waitMs = this.#watch.leftMs;
    using recorded = new DisposableStack();
    for (const { calls } of jobs) {
      recorded.use(calls.begin("run", waitMs + Math.max(HUNG_MS, longMs)));
    }
    recorded.use(this.#watch.begin(Math.max(ABANDONED_MS, longMs)));
    try {
      const items = jobs.map(itemOf);
      const buffers = new Set(items.flatMap(buffersOf));
      const { outputs, ms } = await this.#worker.call("run", { items }, [...buffers]);
      if (outputs === null) throw new TooLate();
      for (const job of jobs) this.#learn(job, ms / pixels);
      const inferenceMs = ms / jobs.length;
      return outputs.map((output) => ({ ...output, inferenceMs }));
    } finally {
      if (this.#lost) void this[Symbol.asyncDispose]();
    }
  }

  /** Ends the run of a lane in progress with `TooLate` after so long, where the program can interrupt it. */
  abandon(lane: string, graceMs: number): void {
    if (!this.#interleaves || this.#lost) return;
    void this.#worker.call("abandon", { lane, graceMs }).catch(() => {}); // a thread that is gone runs nothing
  }

  #runnerOf(lane: string): BatchRunner<InferenceJob, InferenceResult> {
    if (!this.#interleaves) return this;
    const known = this.#laneRunners.get(lane);
    if (known !== undefined) return known;
    const runner: LaneRunner = { maxBatch: 1, thread: this, run: (jobs) => this.run(jobs) };
    this.#laneRunners.set(lane, runner);
    return runner;
  }

  /** Milliseconds for each pixel; null for graphs that have not run yet. */
  #paceOf(job: InferenceJob): number | null {
    const graphs = graphsIn(job.values);
    return graphs === null ? this.#msPerPixel : (this.#graphs.get(graphs) ?? null);
  }

  #learn(job: InferenceJob, msPerPixel: number): void {
    const graphs = graphsIn(job.values);
    if (graphs === null) this.#msPerPixel = msPerPixel;
    else this.#graphs.set(graphs, msPerPixel);
  }

  /** Forgets what the model remembers of a lane. */
  forget(lane: string): void {
    this.#laneRunners.delete(lane);
    // A thread that is gone remembers nothing.
    if (!this.#lost) void this.#worker.call("forget", { lane }).catch(() => {});
  }

  /** Lets a run in progress finish, releases the session and ends the thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#lost = true;
    await this.#worker[Symbol.asyncDispose]();
  }

  /** Tries batches of `item`; of it and another item, to see whether each gets its own result. */
  async #findBatch(item: RunItem, other: RunItem): Promise<void> {
    const { definition, maxBatch } = this.#options;
    if (!definition.batchable || maxBatch === 1) return;
    const { ms: alone } = await this.#worker.call("prepare", { item, count: 1, times: 2 });
    try {
      for (const count of BATCHES) {
        const { ms } = await this.#worker.call("prepare", { item, count, times: 2 });
        if (ms / count > PAYS * alone) return;
        const items = [item, other];
        if (count === 2 && !(await this.#worker.call("compare", { items })).alike) return;
        this.maxBatch = count;
      }
    } catch {
      return; // the dimension is free in name only
    }
  }

  #lose(why: string): void {
    if (this.#lost) return;
    this.#lost = true;
    const { name } = this.#options.definition;
    log.error("model lost; it is loaded again on its next use", { model: name, why });
    for (const runner of [this, ...this.#laneRunners.values()]) {
      this.#options.scheduler.abandon(runner, this.#lostError(why));
    }
    this.#options.onLost();
  }

  #lostError(why: string): WorkerError {
    const { name } = this.#options.definition;
    return new WorkerError(
      "model_failed",
      `model ${name}: ${why}; it is loaded again on its next use`,
    );
  }
}

const itemOf = ({ lane, picture, original, size, values }: InferenceJob): RunItem => ({
  lane,
  picture,
  original,
  size,
  values,
});

const buffersOf = ({ picture, original }: RunItem): ArrayBuffer[] =>
  [picture, original].flatMap((each) => (each === null ? [] : [each.data.buffer]));

/** What the duration of a run grows with: the pixels, as often as a diffusion pipeline goes over them. */
const pixelsOf = ({ picture, original, size, values }: RunItem): number => {
  const { width, height } = picture ?? size;
  const drawnOver = original && original !== picture ? original.width * original.height : 0;
  const { steps } = values;
  return (width * height + drawnOver) * (typeof steps === "number" ? Math.max(1, steps) : 1);
};
