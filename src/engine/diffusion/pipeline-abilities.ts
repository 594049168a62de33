/** Determines what callers may ask of a pipeline, from its files' signatures and its scheduler, without opening sessions. */
import { join } from "node:path";
import { WorkerError } from "../../errors.ts";
import type { GraphSignature } from "../models/tensor-signature.ts";
import { followsDiffusers } from "./diffusers-sampling.ts";
import { CONTROL_NETS, networkFile, type PipelineFolder, TOKENIZERS } from "./pipeline-folder.ts";
import { type PipelineLimits, readPipelineLimits } from "./pipeline-limits.ts";
import { samplingOf } from "./pipeline-sampling.ts";
import { readClipVocabulary } from "./text/clip-vocabulary.ts";

export interface PipelineAbilities {
  readonly limits: PipelineLimits;
  /** It has a VAE encoder: without one it draws from noise alone. */
  readonly encodesVideo: boolean;
  /** The number of its ControlNets. */
  readonly controlNets: number;
  /** It can be sampled as diffusers does. */
  readonly followsDiffusers: boolean;
  /** Its scheduler adds as much noise as callers ask for (DDIM). */
  readonly takesEta: boolean;
  /** The last layers of its text encoders that can be left out. */
  readonly clipLayers: number;
}

/** What the parameters of each ControlNet end in. */
export const CONTROL_SUFFIXES = CONTROL_NETS.map((part) => part.slice("controlnet".length));

/**
 * Throws `model_failed` for files that do not fit together, tokenizers that cannot be read and schedulers that are not known.
 *
 * @param read the signature of the ONNX file at a path, whose errors begin with a label
 */
export async function readPipelineAbilities(
  { folder, networks, scheduler }: PipelineFolder,
  read: (path: string, label: string) => Promise<GraphSignature>,
): Promise<PipelineAbilities> {
  const signature = async (part: keyof typeof networks): Promise<GraphSignature> =>
    await read(networks[part] ?? "", networkFile(part));
  const limits = await readPipelineLimits(networks.unet ?? "", {
    denoiser: await signature("unet"),
    decoder: await signature("vae_decoder"),
  });
  samplingOf(scheduler); // throws for one that is not known
  for (const part of ["text_encoder", "text_encoder_2"] as const) {
    const tokenizer = TOKENIZERS[part];
    // Only encoders need one; the vocabulary is read again where prompts are encoded.
    if (networks[part] !== undefined) await readClipVocabulary(join(folder, tokenizer), tokenizer);
  }
  const controlNets = controlNetsIn(networks);
  if (controlNets > 0 && !limits.takesResiduals) {
    const problem = "unet/model.onnx takes no residuals, which controlnet/model.onnx gives";
    throw new WorkerError("model_failed", `${problem}: export it with their inputs`);
  }
  const [first, second] = [
    layersOf(await signature("text_encoder")),
    networks.text_encoder_2 ? layersOf(await signature("text_encoder_2")) : null,
  ];
  return {
    limits,
    encodesVideo: networks.vae_encoder !== undefined,
    controlNets,
    followsDiffusers: followsDiffusers(scheduler),
    takesEta: scheduler["_class_name"] === "DDIMScheduler",
    // SDXL leaves one out by itself.
    clipLayers: Math.max(0, second === null ? first - 1 : Math.min(first, second) - 2),
  };
}

function controlNetsIn(networks: PipelineFolder["networks"]): number {
  const present = CONTROL_NETS.map((part) => networks[part] !== undefined);
  const gap = present.indexOf(false);
  const beyond = gap < 0 ? -1 : present.indexOf(true, gap);
  if (beyond < 0) return present.filter(Boolean).length;
  const [missing, found] = [CONTROL_NETS[gap], CONTROL_NETS[beyond]];
  throw new WorkerError(
    "model_failed",
    `${found}/model.onnx is there, but ${missing}/model.onnx is not: number ControlNets from controlnet on without a gap`,
  );
}

/** Layers whose states a text encoder gives; the first states are the embeddings. */
const layersOf = ({ outputs }: GraphSignature): number =>
  outputs.filter(({ name }) => name.startsWith("hidden_states.")).length - 1;
