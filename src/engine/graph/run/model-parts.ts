/** Opens the parts of model folders that a graph's loaders name, each once. Used in workers. */
import { WorkerError } from "../../../errors.ts";
import type { SessionSettings } from "../../device/devices.ts";
import { ConditionedDenoiser } from "../../diffusion/conditioned-denoiser.ts";
import { Conditioner } from "../../diffusion/conditioner.ts";
import { ControlNet } from "../../diffusion/networks/control-net.ts";
import { Denoiser } from "../../diffusion/networks/denoiser.ts";
import {
  type NetworkPart,
  type PipelineParts,
  readPipelineParts,
} from "../../diffusion/pipeline-folder.ts";
import { trainingOf } from "../../diffusion/pipeline-sampling.ts";
import { SigmaTable, trainedSigmas } from "../../diffusion/schedule/sigma-table.ts";
import type { FileKind } from "../input-declaration.ts";
import { FolderModel, type FolderReading } from "./folder-models.ts";
import { LatentPictures } from "./latent-pictures.ts";
import type { GraphClip, GraphModel } from "./values.ts";

/** Factors from a LATENT to the sampler's scale, as ComfyUI has them by model family. */
const LATENT_SCALE = 0.18215;
const XL_LATENT_SCALE = 0.13025;

/** The folder of a model by the kind and the name that a graph gives it; null where there is none. */
export type FindFolder = (kind: FileKind, name: string) => string | null;

export class ModelParts {
  readonly #find: FindFolder;
  readonly #settings: SessionSettings;
  readonly #folders = new Map<string, Promise<PipelineParts>>();
  readonly #opened = new Map<string, Promise<{ release(): Promise<void> }>>();

  constructor(find: FindFolder, settings: SessionSettings) {
    this.#find = find;
    this.#settings = settings;
  }

  /** As ComfyUI samples a checkpoint: with all its timesteps, whatever sampler its folder is configured for. */
  async model(kind: FileKind, name: string): Promise<GraphModel> {
    const parts = await this.#parts(kind, name);
    const path = required(parts, "unet", name);
    const denoiser = await this.#once(path, async () => {
      return new ConditionedDenoiser(await Denoiser.open(path, this.#settings));
    });
    const { training, prediction } = trainingOf(parts.scheduler);
    const table = new SigmaTable(trainedSigmas(training));
    const latentScale = latentScaleOf(parts);
    return { denoiser, sampling: { table, prediction }, training, latentScale, rescale: 0 };
  }

  async clip(kind: FileKind, name: string): Promise<GraphClip> {
    const parts = await this.#parts(kind, name);
    required(parts, "text_encoder", name);
    const key = `${parts.folder} prompts`;
    const conditioner = await this.#once(key, async () => {
      return await Conditioner.open(parts, this.#settings);
    });
    return { conditioner, stopAt: null };
  }

  async vae(kind: FileKind, name: string): Promise<LatentPictures> {
    const parts = await this.#parts(kind, name);
    const { vae_encoder: encoder = null, vae_decoder: decoder = null } = parts.networks;
    const path = decoder ?? encoder ?? required(parts, "vae_decoder", name);
    const files = { encoder, decoder, scale: parts.scalingFactor / latentScaleOf(parts) };
    return await this.#once(path, async () => new LatentPictures(files, this.#settings));
  }

  async controlNet(kind: FileKind, name: string): Promise<ControlNet> {
    const path = required(await this.#parts(kind, name), "controlnet", name);
    return await this.#once(path, async () => await ControlNet.open(path, this.#settings));
  }

  /** A model folder that holds one network. */
  async folderModel(kind: FileKind, name: string, reading: FolderReading): Promise<FolderModel> {
    const folder = this.#folder(kind, name);
    return await this.#once(`${folder} ${reading}`, async () => {
      return await FolderModel.open(folder, reading, this.#settings);
    });
  }

  async release(): Promise<void> {
    const opened = [...this.#opened.values()];
    this.#opened.clear();
    for (const part of opened) await (await part.catch(() => null))?.release(); // a failed one holds nothing
  }

  async #parts(kind: FileKind, name: string): Promise<PipelineParts> {
    const folder = this.#folder(kind, name);
    const known = this.#folders.get(folder) ?? readPipelineParts(folder);
    this.#folders.set(folder, known);
    return await known;
  }

  #folder(kind: FileKind, name: string): string {
    const folder = this.#find(kind, name);
    if (folder !== null) return folder;
    throw new WorkerError("unknown_model", `there is no model ${JSON.stringify(name)}`);
  }

  async #once<Part extends { release(): Promise<void> }>(
    key: string,
    open: () => Promise<Part>,
  ): Promise<Part> {
    const known = (this.#opened.get(key) as Promise<Part> | undefined) ?? open();
    this.#opened.set(key, known);
    try {
      return await known;
    } catch (error) {
      this.#opened.delete(key);
      throw error;
    }
  }
}

/** The family's factor: tiny autoencoders (scaling factor 1) make latents that carry it already. */
function latentScaleOf({ scalingFactor, networks }: PipelineParts): number {
  if (scalingFactor !== 1) return scalingFactor;
  return networks.text_encoder_2 === undefined ? LATENT_SCALE : XL_LATENT_SCALE;
}

/** Throws `invalid_request`: another folder would do. */
function required({ networks }: PipelineParts, part: NetworkPart, name: string): string {
  const path = networks[part];
  if (path !== undefined) return path;
  const problem = `the model ${JSON.stringify(name)} has no ${part}/model.onnx`;
  throw new WorkerError(
    "invalid_request",
    `${problem}: export the whole pipeline, or name another`,
  );
}
