/** Finds the parts of a diffusion pipeline in a folder as Optimum and diffusers lay it out, and reads their configuration. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { reason, WorkerError } from "../../errors.ts";
import { readRegularFile } from "../models/regular-file.ts";

/** The file that makes a folder a pipeline. */
export const MODEL_INDEX = "model_index.json";

const MAX_CONFIG_BYTES = 2 ** 20;

/** Parts with a network, each `<part>/model.onnx`. */
const NETWORKS = [
  "text_encoder",
  "text_encoder_2",
  "unet",
  "vae_encoder",
  "vae_decoder",
  "controlnet",
] as const;
export type NetworkPart = (typeof NETWORKS)[number];

/** Parts without which there is no picture. */
const NEEDED: readonly NetworkPart[] = ["text_encoder", "unet", "vae_decoder"];

export interface PipelineFolder {
  readonly folder: string;
  /** Absolute paths of the ONNX files there are. */
  readonly networks: Readonly<Partial<Record<NetworkPart, string>>>;
  /** The content of `scheduler/scheduler_config.json`. */
  readonly scheduler: Readonly<Record<string, unknown>>;
  /** By what latents are multiplied after encoding, and divided before decoding. */
  readonly scalingFactor: number;
  /** Empty negative prompts are encoded as zeros (SDXL). */
  readonly zerosForEmptyPrompt: boolean;
  /** Paths of all files inside the folder that belong to it. */
  readonly files: readonly string[];
}

/** Throws `model_failed` that names what is missing. */
export async function readPipelineFolder(folder: string): Promise<PipelineFolder> {
  const index = await readConfig(folder, MODEL_INDEX);
  const parts = await readdir(folder, { withFileTypes: true });
  const files: string[] = [MODEL_INDEX];
  for (const part of parts.filter((entry) => !entry.isFile() && !entry.name.startsWith("."))) {
    for (const file of await readdir(join(folder, part.name))) files.push(`${part.name}/${file}`);
  }
  const found = NETWORKS.flatMap((part) => {
    const file = `${part}/model.onnx`;
    return files.includes(file) ? [[part, join(folder, file)] as const] : [];
  });
  const networks: PipelineFolder["networks"] = Object.fromEntries(found);
  const missing = NEEDED.filter((part) => networks[part] === undefined);
  if (missing.length > 0) {
    const names = missing.map((part) => `${part}/model.onnx`).join(", ");
    throw failed(`${names} missing: export the pipeline with optimum-cli export onnx`);
  }
  const vae = await readConfig(folder, "vae_decoder/config.json");
  return {
    folder,
    networks,
    scheduler: await readConfig(folder, "scheduler/scheduler_config.json"),
    scalingFactor: numberIn(vae, "scaling_factor", 0.18215),
    zerosForEmptyPrompt: index["force_zeros_for_empty_prompt"] === true,
    files,
  };
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
    const content: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof content === "object" && content !== null) return content as Record<string, unknown>;
    throw new Error("it is no object");
  } catch (error) {
    throw failed(`${file} is not valid: ${reason(error)}`);
  }
}

const numberIn = (config: Record<string, unknown>, field: string, fallback: number): number => {
  const value = config[field];
  return typeof value === "number" && Number.isFinite(value) ? value : fallback;
};

const failed = (message: string): WorkerError => new WorkerError("model_failed", message);
