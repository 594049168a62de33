/** Executes a stream's plan for one frame after the other, and loads models and encodes prompts as its parameters change. */
import type { PlainError, WorkerError } from "../../errors.ts";
import type { FieldProblem } from "../../field-problem.ts";
import { secondsFromTicks } from "../../media/time.ts";
import type { PictureConverter } from "../codec/picture-converter.ts";
import type { LoadedModel } from "../device/loaded-model.ts";
import type { ModelHost } from "../device/model-host.ts";
import { GraphModels } from "../models/graph-models.ts";
import type { Moment } from "../models/roles/role.ts";
import { valuesOf } from "../models/run-values.ts";
import type { PromptEncoder } from "../prompts/prompt-encoder.ts";
import { StreamPrompts } from "../prompts/stream-prompts.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { GraphUse, Size, StreamParams } from "../protocol/work.ts";
import { FrameInputs } from "./frame-inputs.ts";
import { PlanLoader } from "./plan-loader.ts";
import type { RunningNode } from "./plan-node.ts";
import { type Drawn, type PlanJob, type PlanResult, restoresShape } from "./plan-result.ts";
import { RateSums } from "./rate-sums.ts";
import type { Loading } from "./stand-in-label.ts";
import { StillPictures } from "./still-pictures.ts";
import { StreamGraphs } from "./stream-graphs.ts";

/** What a plan needs of the `ModelHost`. */
export interface PlanHost
  extends Pick<ModelHost, "acquire" | "chain" | "planGraphs" | "loading" | "loadDeadlineMs"> {
  readonly prompts: Pick<PromptEncoder, "encode">;
}

export interface ExecutorOptions {
  readonly host: PlanHost;
  readonly converter: PictureConverter;
  /** The stream: device time is charged to it, and models keep its state by it. */
  readonly key: string;
  readonly calls: NativeCalls;
  readonly hasInput: boolean;
  /** What ComfyUI graphs run for. Default: a stream. */
  readonly kind?: GraphUse["kind"];
  readonly signal: AbortSignal;
}

const SILENT = { data: {} };

export class PlanExecutor implements Disposable {
  readonly #options: ExecutorOptions;
  readonly #prompts: StreamPrompts;
  readonly #stills: StillPictures;
  readonly #sums = new RateSums();
  readonly #loader: PlanLoader;
  readonly #graphs: StreamGraphs;
  /** The nodes whose pictures have been waited for. */
  #illustrated: readonly RunningNode[] | null = null;
  /** What was asked for last: it may change while a model loads. */
  #newest: StreamParams | null = null;
  /** What the models in use were asked for by: parameters of one that still loads are not theirs. */
  #own: StreamParams | null = null;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#prompts = new StreamPrompts(options.host.prompts);
    this.#stills = new StillPictures(options.calls);
    this.#graphs = new StreamGraphs(options);
    this.#loader = new PlanLoader({
      ...options,
      preparePrompts: () => this.#preparePrompts(),
    });
  }

  /** The models in use, in the order in which they run. */
  get models(): readonly LoadedModel[] {
    return this.#loader.nodes.map(({ model }) => model);
  }

  /** The graphs in use; the same list until they change. */
  get graphs(): StreamParams["graphs"] {
    return this.#graphs.inUse;
  }

  /** What is wrong with parts of the graphs that `prepare` was asked for last, which do not run. */
  get graphWarnings(): readonly FieldProblem[] {
    return this.#graphs.warnings;
  }

  /** True once frames are made with the model and the prompts of these parameters. */
  runs({ model, prompts, graphs }: StreamParams): boolean {
    if (graphs !== undefined) return this.#graphs.areInUse(graphs);
    if (this.#loader.nodes.at(-1)?.node.model !== model) return false;
    return !this.#loader.takesPrompts || this.#prompts.uses(prompts);
  }

  /** The load that the stream waits for; null while a model runs, and after a failure. */
  get loading(): Loading | null {
    return this.#loader.loading;
  }

  /** True if a model in use has ended, or a newer version of it is ready: `prepare` changes over. */
  get isStale(): boolean {
    return this.#loader.lost || this.#loader.outdated;
  }

  /** Keeps the models in use from being unloaded: to be called for every frame, also where none runs. */
  markUsed(): void {
    this.#loader.markUsed();
  }

  /** Why a running model differs from the workspace; null while it does not. */
  get reloadError(): WorkerError | null {
    return this.#loader.reloadError;
  }

  /**
   * Loads the models and encodes the prompts that `params` asks for, unless they are in use; until they are ready
   * the ones before stay in use, and nothing runs before the first of both are. Rejects with `unknown_model` or
   * `model_failed`, once each time they are asked for.
   */
  async prepare(params: StreamParams): Promise<void> {
    this.#newest = params;
    const { graphs } = params;
    const model = graphs === undefined ? params.model : await this.#graphs.modelFor(graphs);
    if (this.#newest !== params) return; // others were asked for meanwhile
    this.#graphs.want(graphs);
    try {
      await this.#loader.load(model, (nodes) => this.#graphs.try(params, nodes.at(-1)?.model));
    } catch (error) {
      if (this.#newest === params) throw error;
      return; // others were asked for meanwhile
    }
    if (this.#newest === params && this.#graphs.use(graphs)) {
      // Runs of the previous graphs.
      for (const running of this.#loader.nodes) running.abandon();
    }
    if (this.#loader.takesPrompts) await this.#preparePrompts();
  }

  /** Why a picture of the parameters, or the newest output of a feeding model, is not in use; null where all are. */
  get inputError(): PlainError | null {
    return this.#stills.errorWith(this.#newest?.model_params ?? {}) ?? this.#loader.feedError;
  }

  /**
   * What the models get for a frame. With `ahead`, its conversion begins at once if it may run while the plan still
   * runs for the frame before: in a plan of one model, which runs for every frame, whatever became of the last.
   */
  inputsOf(job: PlanJob, { ahead = false } = {}): FrameInputs {
    const inputs = new FrameInputs(this.#options.converter, job);
    const { nodes } = this.#loader;
    const [first] = nodes;
    if (!ahead || first === undefined || nodes.length > 1) return inputs;
    const { video, live, run } = first.model.definition;
    const takesFrame = job.frame !== null && video !== "none";
    const takesEach = live.withVideo && run.every === 1 && !run.skipUnchanged;
    if (takesFrame && takesEach) {
      inputs.beginPicture(first, this.#innerSize(nodes, first, inputs, job.size));
    }
    return inputs;
  }

  /** Throws `model_failed` where a model does, and `TooLate`; the frame stays the caller's. */
  async run(job: PlanJob, inputs = this.inputsOf(job)): Promise<PlanResult> {
    const { params, size, deadline } = job;
    let inferenceMs = 0;
    let isSqueezed = true;
    let said: Pick<Drawn, "data" | "texts" | "nodePictures"> = SILENT;
    // They may be replaced while a model runs.
    const { nodes } = this.#loader;
    if (nodes !== this.#illustrated) await this.#awaitPictures(nodes, job);
    this.#illustrated = nodes;
    for (const running of nodes) {
      const { node, model } = running;
      const inner = this.#innerSize(nodes, running, inputs, size);
      const input = {
        pictures: () => inputs.picturesFor(running, inner),
        size: inner,
        hasVideo: inputs.hasVideo && model.definition.video !== "none",
        moment: this.#moment(nodes, running, job, inner),
        // Once a model has run for the frame, the others finish it: a plan that takes longer would never show any.
        deadline: inferenceMs > 0 ? undefined : deadline,
        onStart: () => inputs.started(),
      };
      if (node.isFeeder) {
        await running.feed(input);
        continue;
      }
      const done = await running.run(input);
      inferenceMs += done.inferenceMs;
      // An earlier result has been reported; its texts still hold, and readers may have come since.
      said = done.inferenceMs > 0 ? done : { ...SILENT, ...(done.texts && { texts: done.texts }) };
      if (done.picture === null) continue; // it shows what it was given
      isSqueezed = restoresShape(model.definition, done.picture, input, size);
      inputs.drawn(done);
    }
    if (nodes.length === 0) throw new Error("the plan has no model");
    const fit = isSqueezed ? "stretch" : params.fit;
    const { data, texts = {}, nodePictures } = said;
    const rest = { data, texts, ...(nodePictures && { nodePictures }) };
    const { picture, isKept } = inputs;
    return { picture, isKept, fit, inferenceMs, ...rest };
  }

  /** As `run`, but always gives a picture: that of the frame if no model makes one. */
  async draw(job: PlanJob): Promise<Drawn> {
    const last = await this.run(job);
    const { converter } = this.#options;
    if (last.picture !== null) return { ...last, picture: last.picture };
    if (job.frame === null) throw new Error("the plan makes no picture");
    const picture = await converter.toPicture(job.frame, job.size, job.params.fit, {
      use: "result",
    });
    return { ...last, picture };
  }

  [Symbol.dispose](): void {
    this.#loader[Symbol.dispose]();
    this.#stills[Symbol.dispose]();
  }

  /** The size in which a model gets its picture, or draws one. */
  #innerSize(
    nodes: readonly RunningNode[],
    running: RunningNode,
    inputs: FrameInputs,
    size: Size,
  ): Size {
    const { node, model } = running;
    const next = nodes
      .slice(nodes.indexOf(running) + 1)
      .find((other) => !other.node.isFeeder)?.model;
    return model.inputSize(next === undefined || node.isFeeder ? size : inputs.sizeFor(next));
  }

  /** The first frame of a plan is drawn with the pictures that its parameters hold, however long those take to decode. */
  async #awaitPictures(nodes: readonly RunningNode[], job: PlanJob): Promise<void> {
    const inputs = new FrameInputs(this.#options.converter, job);
    this.#stills.refresh();
    for (const running of nodes) {
      const inner = this.#innerSize(nodes, running, inputs, job.size);
      valuesOf(running.model.definition, this.#moment(nodes, running, job, inner));
    }
    await this.#stills.settled;
  }

  async #preparePrompts(): Promise<void> {
    if (this.#newest !== null) await this.#prompts.prepare(this.#newest.prompts);
  }

  /** The parameters themselves, or those before them while other models than they ask for run. */
  #ownParams(nodes: readonly RunningNode[], params: StreamParams): StreamParams {
    const running = nodes.at(-1)?.node.model ?? "";
    const isOwn = params.graphs ? GraphModels.owns(running) : running === params.model;
    if (isOwn) this.#own = params;
    return this.#own ?? params;
  }

  #moment(
    nodes: readonly RunningNode[],
    { model }: RunningNode,
    { params: newest, pts, size: outputSize }: PlanJob,
    size: Size,
  ): Moment {
    const params = this.#ownParams(nodes, newest);
    const timeSeconds = secondsFromTicks(pts);
    const { name, folder } = model.definition;
    return {
      params: params.model_params,
      timeSeconds,
      size,
      outputSize,
      sum: (rateName, rate) => this.#sums.total(`${name} ${rateName}`, rate, timeSeconds),
      prompts: params.prompts,
      graphs: this.#graphs.inUse ?? [],
      text: () => this.#prompts.at(timeSeconds),
      upstream: (feeder, output) =>
        nodes.find(({ node }) => node.model === feeder)?.output(output) ?? null,
      picture: (place, source, wanted) =>
        this.#stills.get(`${name} ${place}`, source, folder, wanted),
    };
  }
}
