/** Runs frames through a stream's models, and loads models and encodes prompts as its parameters change. */
import type { WorkerError } from "../../errors.ts";
import type { Picture } from "../../media/picture.ts";
import type { Ticks } from "../../media/time.ts";
import { secondsFromTicks } from "../../media/time.ts";
import type { Frame } from "../codec/libav.ts";
import type { PictureConverter } from "../codec/picture-converter.ts";
import { plan } from "../plan.ts";
import type { PromptEncoder } from "../prompts/prompt-encoder.ts";
import { StreamPrompts } from "../prompts/stream-prompts.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { Fit, Size, StreamParams } from "../protocol/work.ts";
import type { LoadedModel } from "./loaded-model.ts";
import type { ModelHost } from "./model-host.ts";
import { RateSums } from "./rate-sums.ts";
import type { Loading } from "./stand-in-label.ts";

/** What a plan needs of the `ModelHost`. */
export interface PlanHost extends Pick<ModelHost, "acquire" | "loading" | "loadDeadlineMs"> {
  readonly prompts: Pick<PromptEncoder, "encode">;
}

export interface PlanRunnerOptions {
  readonly host: PlanHost;
  readonly converter: PictureConverter;
  /** The stream: device time is charged to it. */
  readonly key: string;
  readonly calls: NativeCalls;
  readonly hasInput: boolean;
  readonly signal: AbortSignal;
}

/** One frame to make: from a decoded frame, or from nothing (null). */
export interface PlanJob {
  readonly frame: Frame | null;
  readonly pts: Ticks;
  readonly size: Size;
  readonly params: StreamParams;
}

/** A yuv420p frame of the asked-for size, the caller's, and the time that the models took. */
export interface PlanResult {
  readonly frame: Frame;
  readonly inferenceMs: number;
}

/** A picture, how to fit it to the asked-for size, and the time that the models took. */
export interface Drawn {
  readonly picture: Picture;
  readonly fit: Fit;
  readonly inferenceMs: number;
}

export class PlanRunner {
  readonly #options: PlanRunnerOptions;
  readonly #prompts: StreamPrompts;
  readonly #sums = new RateSums();
  #models: readonly LoadedModel[] = [];
  #wanted: string | null = null;
  #wantedSince = 0;
  /** The model whose last load failed. */
  #failed: string | null = null;

  constructor(options: PlanRunnerOptions) {
    this.#options = options;
    this.#prompts = new StreamPrompts(options.host.prompts);
  }

  /** The models in use, in the order in which they run. */
  get models(): readonly LoadedModel[] {
    return this.#models;
  }

  /** True once frames are made with the model and the prompts of these parameters. */
  runs({ model, prompts }: StreamParams): boolean {
    return this.#models.at(-1)?.definition.name === model && this.#prompts.uses(prompts);
  }

  /**
   * Loads the model and encodes the prompts that `params` asks for, unless they are in use; until they are ready
   * the ones before stay in use, and nothing runs before the first of both are. Rejects with `unknown_model` or
   * `model_failed`, once each time they are asked for.
   */
  async prepare(params: StreamParams): Promise<void> {
    const encoded = this.#prompts.prepare(params.prompts);
    await Promise.all([this.#load(params, encoded), encoded]);
  }

  async #load(params: StreamParams, encoded: Promise<void>): Promise<void> {
    if (this.lost) {
      this.#models = [];
      this.#wanted = null;
    }
    if (this.outdated) this.#wanted = null;
    if (this.#wanted === params.model) return;
    this.#wanted = params.model;
    this.#wantedSince = performance.now();
    const { host, hasInput, signal, calls } = this.#options;
    using _call = calls.begin("load", host.loadDeadlineMs);
    try {
      const model = await host.acquire(params.model, signal);
      const names = plan(model.definition, { hasInput });
      const models = await Promise.all(
        names.map((name) => (name === params.model ? model : host.acquire(name, signal))),
      );
      if (this.#models.length === 0) await encoded;
      if (this.#wanted === params.model) this.#models = models;
      this.#failed = null;
    } catch (error) {
      // It is tried again when it is asked for again: its files may be complete by then.
      if (this.#wanted === params.model) this.#wanted = null;
      this.#failed = params.model;
      throw error;
    }
  }

  /** The load that the stream waits for; null while a model runs, and after a failure. */
  get loading(): Loading | null {
    const model = this.#wanted;
    if (model === null || this.#models.length > 0) return null;
    const progress = this.#options.host.loading(model);
    // A model that failed is asked for again, which loads it only if its files have changed.
    if (progress === null && this.#failed === model) return null;
    return { since: this.#wantedSince, expectedMs: null, ...progress, model };
  }

  /** True if the thread of a model in use has ended: `prepare` loads it again. */
  get lost(): boolean {
    return this.#models.some((model) => model.isLost());
  }

  /** True if a newer version of a model that runs is ready: `prepare` changes over to it. */
  get outdated(): boolean {
    return this.#models.some((model) => model.isOutdated());
  }

  /** Why a running model differs from the workspace; null while it does not. */
  get reloadError(): WorkerError | null {
    for (const model of this.#models) {
      const error = model.reloadError();
      if (error !== null) return error;
    }
    return null;
  }

  /** Throws `model_failed` where a model does; the frame stays the caller's. */
  async run(job: PlanJob): Promise<PlanResult> {
    const { picture, fit, inferenceMs } = await this.draw(job);
    const frame = await this.#options.converter.toFrame(picture, job.size, fit);
    return { frame, inferenceMs };
  }

  /** As `run`, but gives the picture of the last model, in that model's size. */
  async draw(job: PlanJob): Promise<Drawn> {
    const { key, signal, calls } = this.#options;
    const { params, size, pts } = job;
    const timeSeconds = secondsFromTicks(pts);
    const text = this.#prompts.at(timeSeconds);
    let picture: Picture | null = null;
    let inferenceMs = 0;
    let squeezed = true;
    for (const [index, model] of this.#models.entries()) {
      const inner = model.inputSize(this.#models[index + 1]?.inputSize(size) ?? size);
      if (model.definition.frame) {
        picture = await this.#input(model, picture, job, inner);
        squeezed = model.definition.fit === null;
      }
      const done = await model.run({
        key,
        calls,
        ...(picture && { picture }),
        size: inner,
        params: params.model_params,
        timeSeconds,
        sums: this.#sums.at(model.definition, params.model_params, timeSeconds),
        text,
        signal,
      });
      // A model that rotates or crops changes the shape, and must not be squeezed back.
      squeezed &&= done.picture.width * inner.height === done.picture.height * inner.width;
      picture = done.picture;
      inferenceMs += done.inferenceMs;
    }
    if (!picture) throw new Error("the plan has no model");
    return { picture, fit: squeezed ? "stretch" : params.fit, inferenceMs };
  }

  /** The picture that a model with video input gets: the frame, or the picture of the model before it. */
  async #input(
    model: LoadedModel,
    before: Picture | null,
    { frame, params, size }: PlanJob,
    inner: Size,
  ): Promise<Picture> {
    const { converter } = this.#options;
    const own = model.definition.fit;
    if (!before) {
      if (!frame) throw new Error(`${model.definition.name} takes video and there is none`);
      return own
        ? await converter.toPicture(frame, inner, own)
        : await converter.toPicture(frame, size, params.fit, inner);
    }
    if (before.width === inner.width && before.height === inner.height) return before;
    const between = await converter.toFrame(before, inner, own ?? "stretch");
    try {
      return await converter.toPicture(between, inner, "stretch");
    } finally {
      between.free();
    }
  }
}
