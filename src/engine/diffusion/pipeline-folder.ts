/** Finds the parts of a diffusion pipeline in a folder as Optimum and diffusers lay it out, and reads their configuration. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { reason, WorkerError } from "../../errors.ts";
import { readRegularFile } from "../models/regular-file.ts";

/** The file that makes a folder a pipeline. */
export const MODEL_INDEX = "model_index.json";

const SCHEDULER_CONFIG = "scheduler/scheduler_config.json";
const VAE_CONFIG = "vae_decoder/config.json";
const MAX_CONFIG_BYTES = 2 ** 20;
/** Of Stable Diffusion 1.x and 2.x, and of XL. */
const SCALING_FACTOR = 0.18215;
const XL_SCALING_FACTOR = 0.13025;

/** ControlNets, in order: diffusers numbers those after the first. */
export const CONTROL_NETS = ["controlnet", "controlnet_1", "controlnet_2", "controlnet_3"] as const;

/** Parts with a network: see `networkFile`. */
export const NETWORKS = [
  "text_encoder",
  "text_encoder_2",
  "unet",
  "vae_encoder",
  "vae_decoder",
  ...CONTROL_NETS,
] as const;
export type NetworkPart = (typeof NETWORKS)[number];

/** Text encoders, and the folders of their tokenizers. */
export const TOKENIZERS = { text_encoder: "tokenizer", text_encoder_2: "tokenizer_2" } as const;

/** The path of a part's network in the folder. */
export const networkFile = (part: NetworkPart): string => `${part}/model.onnx`;

/** Parts without which there is no picture. */
export const NEEDED_NETWORKS: readonly NetworkPart[] = ["text_encoder", "unet", "vae_decoder"];

/** A pipeline, or a folder with some of its parts, such as a VAE alone. */
export interface PipelineParts {
  readonly folder: string;
  /** Absolute paths of the ONNX files there are. */
  readonly networks: Readonly<Partial<Record<NetworkPart, string>>>;
  /** The content of `scheduler/scheduler_config.json`; empty where there is none. */
  readonly scheduler: Readonly<Record<string, unknown>>;
  /** By what latents are multiplied after encoding, and divided before decoding. */
  readonly scalingFactor: number;
  /** Empty negative prompts are encoded as zeros (SDXL). */
  readonly zerosForEmptyPrompt: boolean;
}

export interface PipelineFolder extends PipelineParts {
  /** Paths of all files inside the folder that belong to it. */
  readonly files: readonly string[];
}

/** Throws `model_failed` that names what is missing. */
export async function readPipelineFolder(folder: string): Promise<PipelineFolder> {
  const index = await readConfig(folder, MODEL_INDEX);
  const files = [MODEL_INDEX, ...(await partFiles(folder))];
  const networks = networksIn(folder, files);
  const missing = NEEDED_NETWORKS.filter((part) => networks[part] === undefined);
  if (missing.length > 0) {
    const names = missing.map(networkFile).join(", ");
    throw failed(`${names} missing: export the pipeline with optimum-cli export onnx`);
  }
  // Exports by other tools than Optimum have none.
  const vae = files.includes(VAE_CONFIG) ? await readConfig(folder, VAE_CONFIG) : {};
  const usual = networks.text_encoder_2 === undefined ? SCALING_FACTOR : XL_SCALING_FACTOR;
  return {
    folder,
    networks,
    scheduler: await readConfig(folder, SCHEDULER_CONFIG),
    scalingFactor: numberIn(vae, "scaling_factor", usual),
    zerosForEmptyPrompt: zerosForEmpty(index),
    files,
  };
}

/** As `readPipelineFolder`, of a folder that need not hold all parts. Throws `model_failed` for a file that is not valid. */
export async function readPipelineParts(folder: string): Promise<PipelineParts> {
  const parts = await partFiles(folder);
  const files = (await isPipelineFolder(folder)) ? [MODEL_INDEX, ...parts] : parts;
  const configOf = async (file: string): Promise<Record<string, unknown>> =>
    files.includes(file) ? await readConfig(folder, file) : {};
  return {
    folder,
    networks: networksIn(folder, files),
    scheduler: await configOf(SCHEDULER_CONFIG),
    scalingFactor: scalingFactorOf(await configOf(VAE_CONFIG)),
    zerosForEmptyPrompt: zerosForEmpty(await configOf(MODEL_INDEX)),
  };
}

/** Paths of the files in the folder's folders, relative to it. */
export async function partFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  const parts = await readdir(folder, { withFileTypes: true });
  for (const part of parts.filter((entry) => !entry.isFile() && !entry.name.startsWith("."))) {
    for (const file of await namesIn(join(folder, part.name))) files.push(`${part.name}/${file}`);
  }
  return files;
}

/** None for a link to a file, as downloads of the hub are kept. */
async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOTDIR") return [];
    throw error;
  });
}

function networksIn(folder: string, files: readonly string[]): PipelineParts["networks"] {
  const found = NETWORKS.flatMap((part) => {
    const file = networkFile(part);
    return files.includes(file) ? [[part, join(folder, file)] as const] : [];
  });
  return Object.fromEntries(found);
}

/** True for a folder that holds a pipeline. */
export const isPipelineFolder = async (folder: string): Promise<boolean> =>
  await stat(join(folder, MODEL_INDEX)).then(
    (info) => info.isFile(),
    () => false, // no such file
  );

async function readConfig(folder: string, file: string): Promise<Record<string, unknown>> {
  const bytes = await readRegularFile(join(folder, file), file, MAX_CONFIG_BYTES);
  try {
    // Python writes a bound that is absent as -Infinity.
    const json = new TextDecoder().decode(bytes).replace(/:\s*-Infinity\b/g, ": null");
    const content: unknown = JSON.parse(json);
    if (typeof content === "object" && content !== null) return content as Record<string, unknown>;
    throw new Error("it is not an object");
  } catch (error) {
    throw failed(`${file} is not valid: ${reason(error)}`);
  }
}

const zerosForEmpty = (index: Record<string, unknown>): boolean =>
  index["force_zeros_for_empty_prompt"] === true;

const scalingFactorOf = (vae: Record<string, unknown>): number =>
  numberIn(vae, "scaling_factor", SCALING_FACTOR);

const numberIn = (config: Record<string, unknown>, field: string, fallback: number): number => {
  const value = config[field];
  return typeof value === "number" && Number.isFinite(value) ? value : fallback;
};

const failed = (message: string): WorkerError => new WorkerError("model_failed", message);
