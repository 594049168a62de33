/** Hosts small models that a test builds, and the plans of streams that run them on pictures. */
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import type { LoadedModel } from "../../src/engine/device/loaded-model.ts";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { GraphBuilder } from "../../src/engine/models/graph-builder.ts";
import { PlanExecutor } from "../../src/engine/plan/executor.ts";
import type { Drawn, PlanJob } from "../../src/engine/plan/plan-result.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import type { Picture } from "../../src/media/picture.ts";
import { type Ticks, ticks } from "../../src/media/time.ts";
import { PARAMS } from "./clip-pipeline.ts";
import { OnnxWorkspace } from "./onnx-workspace.ts";

export interface SmallModel {
  /** `model.json` as an object. */
  readonly json: object;
  readonly onnx: Uint8Array;
}

/** The ONNX file of a graph. */
export function graphFile(
  draw: (graph: GraphBuilder) => void,
  options: { readonly opset?: number } = {},
): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder(options);
  draw(graph);
  return graph.build("test");
}

export class ModelBench implements AsyncDisposable {
  readonly workspace: OnnxWorkspace;
  readonly host: ModelHost;

  private constructor(workspace: OnnxWorkspace, host: ModelHost) {
    this.workspace = workspace;
    this.host = host;
  }

  /** Hosts these models by name. */
  static async open(models: Readonly<Record<string, SmallModel>>): Promise<ModelBench> {
    const workspace = await OnnxWorkspace.create();
    for (const [name, { json, onnx }] of Object.entries(models)) {
      await workspace.add(name, json, onnx);
    }
    return new ModelBench(workspace, await workspace.host());
  }

  /** Loads a model; `model` is the name of the only one. */
  async model(name = "model"): Promise<LoadedModel> {
    return await this.host.acquire(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]();
    await this.workspace[Symbol.asyncDispose]();
  }
}

/** A stream's plan: one frame after the other goes through its models. */
export class PlanRun implements Disposable {
  readonly #converter = new PictureConverter(UNRECORDED_CALLS);
  readonly #executor: PlanExecutor;
  #params: StreamParams;
  #pts: Ticks = ticks(0);

  /** `hasInput`: pictures are given to `draw`. */
  static async open(
    host: ModelHost,
    params: Partial<StreamParams>,
    { hasInput = true }: { readonly hasInput?: boolean } = {},
  ): Promise<PlanRun> {
    const run = new PlanRun(host, { ...PARAMS, model: "model", ...params }, hasInput);
    await run.#executor.prepare(run.#params);
    return run;
  }

  private constructor(host: ModelHost, params: StreamParams, hasInput: boolean) {
    const signal = new AbortController().signal;
    const options = { host, converter: this.#converter, calls: UNRECORDED_CALLS, hasInput, signal };
    this.#executor = new PlanExecutor({ ...options, key: "stream" });
    this.#params = params;
  }

  get executor(): PlanExecutor {
    return this.#executor;
  }

  /** What models are given for a picture: colours change when it becomes a video frame. */
  async seen(picture: Picture, size = this.#params.size ?? picture): Promise<Picture> {
    const frame = await this.#converter.toFrame(picture, picture, "stretch");
    try {
      return await this.#converter.toPicture(frame, size, this.#params.fit, { use: "test" });
    } finally {
      frame.free();
    }
  }

  /**
   * Draws the next frame, a 25th of a second after the one before, in the model's own size. `params` hold from
   * here on.
   */
  async draw(picture: Picture | null, params: Partial<StreamParams> = {}): Promise<Drawn> {
    return await this.#next(picture, params, (job) => this.#executor.draw(job));
  }

  /** The same as streams do it, in the output's size. The picture has been a video frame: its colours are about right. */
  async show(picture: Picture | null, params: Partial<StreamParams> = {}): Promise<Picture> {
    return await this.#next(picture, params, async (job) => {
      const { picture: drawn, fit } = await this.#executor.run(job);
      if (drawn === null) throw new Error("the model draws no picture");
      const frame = await this.#converter.toFrame(drawn, job.size, fit);
      try {
        return await this.#converter.toPicture(frame, job.size, "stretch", { use: "shown" });
      } finally {
        frame.free();
      }
    });
  }

  async #next<T>(
    picture: Picture | null,
    params: Partial<StreamParams>,
    work: (job: PlanJob) => Promise<T>,
  ): Promise<T> {
    this.#params = { ...this.#params, ...params };
    await this.#executor.prepare(this.#params);
    const frame = picture && (await this.#converter.toFrame(picture, picture, "stretch"));
    try {
      const size = this.#params.size ?? picture ?? { width: 64, height: 48 };
      this.#pts = ticks(this.#pts + 3600);
      return await work({ frame, pts: this.#pts, size, params: this.#params });
    } finally {
      frame?.free();
    }
  }

  [Symbol.dispose](): void {
    this.#executor[Symbol.dispose]();
    this.#converter[Symbol.dispose]();
  }
}
