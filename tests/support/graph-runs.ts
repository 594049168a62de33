/** Runs ComfyUI graphs on tiny pipelines of the shared data, and keeps what their nodes gave and what they asked of the networks. */
import { spyOn } from "bun:test";
import { readPackedPicture } from "../../src/engine/codec/packed-picture.ts";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { ControlNet } from "../../src/engine/diffusion/networks/control-net.ts";
import { Denoiser } from "../../src/engine/diffusion/networks/denoiser.ts";
import { executionOrder } from "../../src/engine/graph/execution-order.ts";
import { type GraphFiles, namedFiles } from "../../src/engine/graph/graph-files.ts";
import { NODE_CLASSES } from "../../src/engine/graph/node-classes.ts";
import { describeProblems } from "../../src/engine/graph/problem.ts";
import { readGraph } from "../../src/engine/graph/read-graph.ts";
import { withoutPageNodes } from "../../src/engine/graph/rewrite.ts";
import { GraphRun } from "../../src/engine/graph/run/graph-run.ts";
import { ImageSessions } from "../../src/engine/graph/run/image-sessions.ts";
import { readLatentFile } from "../../src/engine/graph/run/latent-file.ts";
import { ModelParts } from "../../src/engine/graph/run/model-parts.ts";
import type { GraphResult } from "../../src/engine/graph/run/node-runner.ts";
import { fromBytes } from "../../src/engine/graph/run/pixels.ts";
import type { Images, NodeValue } from "../../src/engine/graph/run/values.ts";
import { validate } from "../../src/engine/graph/validate.ts";
import type { Tensor } from "../../src/engine/models/tensor.ts";
import { sharedData } from "./shared-data.ts";

/** The files that graphs may name. */
export interface GraphWorld {
  /** Folders of models by base name. */
  readonly models: Readonly<Record<string, string>>;
  /** Paths of pictures and latents by name. */
  readonly images: Readonly<Record<string, string>>;
  readonly latents?: Readonly<Record<string, string>>;
}

export interface UnetCall {
  readonly timestep: number;
  readonly batch: number;
  /** Residuals of ControlNets came with it. */
  readonly isControlled: boolean;
}

export interface GraphOutcome {
  readonly outputs: ReadonlyMap<string, readonly NodeValue[]>;
  readonly results: readonly GraphResult[];
  /** Every call of a denoiser. */
  readonly unetCalls: readonly UnetCall[];
  /** What each call of a ControlNet followed. */
  readonly hints: readonly Tensor[];
}

export class GraphBench {
  readonly #world: GraphWorld;
  readonly #files: GraphFiles;
  readonly #models: ModelParts;
  readonly #images = new ImageSessions(parseDevice("cpu").settings);

  constructor(world: GraphWorld) {
    this.#world = world;
    const models = Object.keys(world.models);
    this.#files = namedFiles({
      checkpoint: models,
      diffusion_model: models,
      text_encoder: models,
      vae: models,
      controlnet: models,
      image: Object.keys(world.images),
      latent: Object.keys(world.latents ?? {}),
    });
    const folderOf = (name: string | null) => (name === null ? null : (world.models[name] ?? null));
    this.#models = new ModelParts(
      (kind, name) => folderOf(this.#files.find(kind, name)),
      parseDevice("cpu").settings,
    );
  }

  /** A run of a graph in API format, ready to be run. Throws where it is not valid. */
  prepare(graph: unknown, emit: (result: GraphResult) => void, previous?: GraphRun): GraphRun {
    const known = { classes: NODE_CLASSES, files: this.#files };
    const validation = validate(withoutPageNodes(readGraph(graph)), known);
    if (validation.refusal !== null) throw new Error(describeProblems(validation.problems));
    const { images, latents = {} } = this.#world;
    return new GraphRun(executionOrder(validation), {
      models: this.#models,
      images: this.#images,
      edges: {
        loadImage: async (name) => await readImages(images[name] ?? name),
        loadLatent: async (name) => readLatentFile(await Bun.file(latents[name] ?? name).bytes()),
        emit,
      },
      stepSeed: "same",
      ...(previous && { previous }),
    });
  }

  async run(graph: unknown): Promise<GraphOutcome> {
    const results: GraphResult[] = [];
    const unetCalls: UnetCall[] = [];
    const run = this.prepare(graph, (result) => results.push(result));
    const predict = Denoiser.prototype.predict;
    const spy = spyOn(Denoiser.prototype, "predict").mockImplementation(async function (
      this: Denoiser,
      input,
    ) {
      unetCalls.push({
        timestep: Number(input.timestep),
        batch: input.sample.dims[0] ?? 0,
        isControlled: input.extras?.["mid_block_additional_residual"] !== undefined,
      });
      return await predict.call(this, input);
    });
    const hints: Tensor[] = [];
    const residuals = ControlNet.prototype.residuals;
    const control = spyOn(ControlNet.prototype, "residuals").mockImplementation(async function (
      this: ControlNet,
      input,
    ) {
      hints.push(input.hint);
      return await residuals.call(this, input);
    });
    try {
      return { outputs: await run.run(), results, unetCalls, hints };
    } finally {
      spy.mockRestore();
      control.mockRestore();
    }
  }

  async release(): Promise<void> {
    await this.#models.release();
    await this.#images.release();
  }
}

/** The tiny pipelines and the pictures of the shared data, by the names that its graphs use. */
export function goldenBench(): GraphBench {
  const golden = sharedData("golden") ?? "";
  return new GraphBench({
    models: {
      "tiny-sd": `${golden}/pipeline/tiny-sd`,
      "tiny-taesd": `${golden}/pipeline/tiny-taesd`,
    },
    images: {
      "source.png": `${golden}/graph-runs/inputs/source.png`,
      "mask64.png": `${golden}/graph-runs/inputs/mask64.png`,
      "odd.png": `${golden}/comfy-tiny/odd.png`,
      ...Object.fromEntries(
        ["a", "b", "small", "mask", "rgba", "la", "gray", "gray16", "palette", "exif6"].map(
          (name) => {
            return [`${name}.png`, `${golden}/images/inputs/${name}.png`];
          },
        ),
      ),
    },
    latents: Object.fromEntries(
      ["la", "lb", "lc", "ls"].map((name) => [
        `${name}.latent`,
        `${golden}/images/inputs/${name}.latent`,
      ]),
    ),
  });
}

export const readImages = async (file: string): Promise<Images> =>
  fromBytes(await readPackedPicture(await Bun.file(file).bytes()));

/** Integers that a JSON number does not hold exactly become bigints. */
export const parseExact = (json: string): unknown =>
  JSON.parse(json, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^\d+$/.test(context?.source ?? "")
      ? BigInt(context?.source ?? 0)
      : value,
  );
