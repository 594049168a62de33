/** The program of ComfyUI graphs: runs them on a frame one after the other. Each lane keeps what does not depend on the frame. */
import { reason, WorkerError } from "../../../errors.ts";
import { readPackedPicture } from "../../codec/packed-picture.ts";
import { checkPictureCount } from "../../graph/picture-count.ts";
import { planGraphs } from "../../graph/plan-graph.ts";
import { GraphRun } from "../../graph/run/graph-run.ts";
import { ImageSessions } from "../../graph/run/image-sessions.ts";
import { readLatentFile } from "../../graph/run/latent-file.ts";
import { ModelParts } from "../../graph/run/model-parts.ts";
import type { GraphResult } from "../../graph/run/node-runner.ts";
import { eachOf, fromBytes, fromPicture, toPicture } from "../../graph/run/pixels.ts";
import type { Images } from "../../graph/run/values.ts";
import { pathOf, workspaceFiles } from "../../graph/workspace-files.ts";
import type { ComfyGraphs } from "../../models/onnx-source.ts";
import type { RunItem } from "../../models/roles/role.ts";
import { graphsIn } from "../../models/run-values.ts";
import type { SessionSettings } from "../devices.ts";
import type { NodePicture, RunOutput } from "./calls.ts";
import type { Program } from "./program.ts";

/** A stream changes over to the graphs of its trial within this time; pictures leave what may be gigabytes. */
const KEPT_MS = 10_000;

/** A graph of a lane, and what its output nodes have given in the run in progress. */
interface LaneGraph {
  readonly json: string;
  /** Planned for a video or picture from outside. */
  readonly hasInput: boolean;
  readonly run: GraphRun;
  readonly results: GraphResult[];
}

interface InProgress {
  readonly stop: AbortController;
  readonly output: Promise<RunOutput>;
}

type NodeImages = Extract<GraphResult, { readonly kind: "images" }>;

export class GraphProgram implements Program {
  readonly hasComputedSizes = true;
  readonly interleaves = true;
  readonly #source: ComfyGraphs;
  readonly #models: ModelParts;
  readonly #images: ImageSessions;
  readonly #lanes = new Map<string, readonly LaneGraph[]>();
  /** Runs in progress, by lane. */
  readonly #running = new Map<string, InProgress>();
  /** Those of the lane that was forgotten last: a stream changes over to the graphs of its trial. */
  #forgotten: readonly LaneGraph[] = [];
  readonly #keptMs: number;
  #dropping: ReturnType<typeof setTimeout> | undefined;

  /** The models are opened by the first graph that names them. */
  static async open(
    source: ComfyGraphs,
    settings: SessionSettings,
    keptMs = KEPT_MS,
  ): Promise<GraphProgram> {
    const files = await workspaceFiles(source.workspace, Object.keys(source.models));
    const folderOf = (name: string | null) =>
      name === null ? null : (source.models[name] ?? null);
    const models = new ModelParts((kind, name) => folderOf(files.find(kind, name)), settings);
    return new GraphProgram(source, models, new ImageSessions(settings), keptMs);
  }

  private constructor(
    source: ComfyGraphs,
    models: ModelParts,
    images: ImageSessions,
    keptMs: number,
  ) {
    this.#keptMs = keptMs;
    this.#source = source;
    this.#models = models;
    this.#images = images;
  }

  async run([item]: readonly RunItem[]): Promise<readonly RunOutput[] | null> {
    if (item === undefined) return [];
    const stop = new AbortController();
    const output = this.#draw(item, stop.signal);
    this.#running.set(item.lane, { stop, output });
    try {
      return [await output];
    } catch (error) {
      if (stop.signal.aborted) return null;
      throw error;
    } finally {
      this.#running.delete(item.lane);
    }
  }

  abandon(lane: string, graceMs: number): void {
    const run = this.#running.get(lane);
    setTimeout(() => run?.stop.abort(), graceMs);
  }

  forget(lane: string): void {
    this.#forgotten = this.#lanes.get(lane) ?? this.#forgotten;
    this.#lanes.delete(lane);
    clearTimeout(this.#dropping);
    this.#dropping = setTimeout(() => {
      this.#forgotten = [];
    }, this.#keptMs);
  }

  async placements(): Promise<Readonly<Record<string, number>>> {
    return {};
  }

  async release(): Promise<void> {
    clearTimeout(this.#dropping);
    const running = [...this.#running.values()];
    for (const { stop } of running) stop.abort();
    await Promise.allSettled(running.map(({ output }) => output));
    this.#lanes.clear();
    await this.#models.release();
    await this.#images.release();
  }

  /** Without a picture where no graph makes one. */
  async #draw(item: RunItem, signal: AbortSignal): Promise<RunOutput> {
    let frame: Images | null = item.picture === null ? null : fromPicture(item.picture);
    let drawn: readonly NodeImages[] = [];
    const texts: Record<string, string> = {};
    for (const { run, results } of await this.#graphsOf(item)) {
      results.length = 0;
      await run.run({ frame, signal });
      for (const result of results) if (result.kind === "text") texts[result.node] = result.text;
      const images = results.filter((result) => result.kind === "images");
      if (images.length > 0) drawn = images;
      frame = drawn.at(-1)?.images ?? frame;
    }
    const last = drawn.at(-1)?.images;
    if (this.#source.kind === "stream") {
      return { picture: last === undefined ? null : toPicture(last), data: {}, texts };
    }
    const nodePictures = picturesOf(drawn);
    const picture = nodePictures.findLast(({ index }) => index === 0)?.picture ?? null;
    return { picture, data: {}, texts, nodePictures };
  }

  /** Those of the item. Nodes that are as they were before keep their outputs. */
  async #graphsOf({ lane, values, picture }: RunItem): Promise<readonly LaneGraph[]> {
    const graphs = graphsIn(values) ?? this.#source.graphs;
    const hasInput = picture !== null;
    const before = this.#lanes.get(lane) ?? [];
    if (areOf(graphs, hasInput, before)) return before;
    if (areOf(graphs, hasInput, this.#forgotten)) {
      this.#lanes.set(lane, this.#forgotten);
      this.#forgotten = [];
      return this.#lanes.get(lane) ?? [];
    }
    const { workspace, models, kind } = this.#source;
    const use = { kind, hasInput };
    const files = await workspaceFiles(workspace, Object.keys(models));
    const made = planGraphs(graphs, use, files).map(({ steps }, at): LaneGraph => {
      const results: GraphResult[] = [];
      const previous = before[at]?.run;
      const run = new GraphRun(steps, {
        models: this.#models,
        images: this.#images,
        edges: {
          loadImage: async (name) => fromBytes(await readPackedPicture(await this.#read(name))),
          loadLatent: async (name) => readLatentFile(await this.#read(name)),
          emit: (result) => results.push(result),
        },
        ...(previous && { previous }),
      });
      return { json: graphs[at] ?? "", hasInput, run, results };
    });
    this.#lanes.set(lane, made);
    return made;
  }

  async #read(name: string): Promise<Uint8Array> {
    const shown = JSON.stringify(name);
    const path = await pathOf(this.#source.workspace, name);
    if (path === null)
      throw new WorkerError("invalid_request", `the file ${shown} no longer exists`);
    try {
      return await Bun.file(path).bytes();
    } catch (cause) {
      const problem = `the file ${shown} cannot be read: ${reason(cause)}`;
      throw new WorkerError("invalid_request", problem, { cause });
    }
  }
}

/** Each picture of each batch. Throws `invalid_request` for more than an answer holds. */
function picturesOf(drawn: readonly NodeImages[]): NodePicture[] {
  checkPictureCount(drawn.reduce((sum, { images }) => sum + images.batch, 0));
  return drawn.flatMap(({ node, images }) =>
    eachOf(images).map((one, index) => ({ node, index, picture: toPicture(one) })),
  );
}

/** Without a video a LoadImage may load its file, with one it is the video. */
const areOf = (graphs: readonly string[], hasInput: boolean, runs: readonly LaneGraph[]): boolean =>
  graphs.length === runs.length &&
  graphs.every((one, at) => one === runs[at]?.json && hasInput === runs[at]?.hasInput);
