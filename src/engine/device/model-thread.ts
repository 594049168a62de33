/** Runs one loaded model in a thread of its own, knows how long a run usually takes, and notices when one hangs. */
import { WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { inputSize, type ModelDefinition } from "../models/definition.ts";
import { defaultControls } from "../prompts/controls.ts";
import { UNRECORDED_CALLS } from "../protocol/call-journal.ts";
import { DEFAULT_SIZE, type Size } from "../protocol/work.ts";
import type { DeviceGate } from "./device-gate.ts";
import type { Device } from "./devices.ts";
import { InferenceWorker } from "./inference-worker.ts";
import type { InferenceJob, InferenceResult } from "./loaded-model.ts";
import type { Calls, GraphSource } from "./protocol.ts";
import { scalarsOf } from "./scalars.ts";

const log = getLogger("inference");

/** A run hangs when it takes this many times what is usual for its size, and this long at least. */
const HUNG = 10;
const HUNG_MS = 5000;
/** A run that takes `HUNG` times what is usual and this long holds up other streams no longer: they get a new thread. */
const ABANDONED_MS = 1000;

export interface ModelThreadOptions {
  readonly definition: ModelDefinition;
  readonly device: Device;
  readonly gate: DeviceGate;
  /** Called once when the thread has ended by itself or hangs. */
  readonly onLost: () => void;
}

export class ModelThread implements AsyncDisposable {
  readonly #options: ModelThreadOptions;
  readonly #worker = new InferenceWorker();
  #msPerPixel = 0;
  #lost = false;

  constructor(options: ModelThreadOptions) {
    this.#options = options;
  }

  /** True once it has ended by itself, or hangs, or was closed. */
  get isLost(): boolean {
    return this.#lost;
  }

  /** Opens the graph and runs it once, at this size where the model takes any. Throws `model_failed`. */
  async load(source: GraphSource, size: Size = DEFAULT_SIZE): Promise<Calls["load"][1]> {
    const { definition, device } = this.#options;
    const warmUp = inputSize(definition, size);
    const { settings } = device;
    const load = { source, definition, settings, warmUp, text: defaultControls() };
    const times = await this.#worker.call("load", load);
    this.#msPerPixel = times.warmUpMs / pixelsOf(warmUp);
    void this.#worker.exited.then(() => this.#lose("its thread ended"));
    return times;
  }

  /** Throws `model_failed` for a run that fails, and the signal's reason; the thread lives on. */
  async run(job: InferenceJob): Promise<InferenceResult> {
    const { gate, definition } = this.#options;
    const picture = definition.frame === null ? null : (job.picture ?? null);
    const pixels = pixelsOf(picture ?? job.size);
    const expectedMs = this.#msPerPixel * pixels;
    gate.throwIfClosed();
    if (this.#lost) throw this.#lostError("it is gone");
    const leave = await gate.enter(job.key, this, job.signal, expectedMs);
    const longMs = HUNG * this.#msPerPixel * pixels;
    const { calls = UNRECORDED_CALLS } = job;
    using _call = calls.begin("run", Math.max(HUNG_MS, longMs));
    const hangs = setTimeout(() => this.#lose("a run hangs"), Math.max(ABANDONED_MS, longMs));
    try {
      const result = await this.#worker.call(
        "run",
        { picture, scalars: scalarsOf(definition, job), text: job.text ?? defaultControls() },
        picture === null ? [] : [picture.data.buffer],
      );
      this.#msPerPixel = result.inferenceMs / pixels;
      job.signal?.throwIfAborted();
      return result;
    } finally {
      clearTimeout(hangs);
      leave();
      if (this.#lost) void this[Symbol.asyncDispose]();
    }
  }

  /** Lets a run in progress finish, releases the session and ends the thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#lost = true;
    await this.#worker[Symbol.asyncDispose]();
  }

  #lose(why: string): void {
    if (this.#lost) return;
    this.#lost = true;
    const { name } = this.#options.definition;
    log.error("model is reloaded", { model: name, why });
    this.#options.gate.abandon(this, this.#lostError(why));
    this.#options.onLost();
  }

  #lostError(why: string): WorkerError {
    const { name } = this.#options.definition;
    return new WorkerError("model_failed", `model ${name}: ${why}; it is reloaded`);
  }
}

const pixelsOf = ({ width, height }: Size): number => width * height;
