/** Determines the sizes and inputs that a pipeline takes from its files' signatures, without opening sessions. */
import { dirname, join } from "node:path";
import { WorkerError } from "../../errors.ts";
import { readRegularFile } from "../models/regular-file.ts";
import type { GraphSignature, TensorSignature } from "../models/tensor-signature.ts";
import type { Size } from "../protocol/work.ts";
import { RESIDUAL } from "./networks/absent-residuals.ts";
import { LATENT_PLACE } from "./sampler/latent.ts";

const MAX_CONFIG_BYTES = 2 ** 20;
/** Twice as many as the denoisers that are known have. */
const MAX_BLOCKS = 8;

export interface PipelineLimits {
  /** The only size of picture that the files take; null where they take others. */
  readonly size: Size | null;
  /** Sides of pictures must be multiples of this, because the network halves its latents. */
  readonly multipleOf: number;
  /** Rows that every run of the denoiser has, where its file fixes them. */
  readonly fixedRows: number | null;
  /** Guidance is an input of the denoiser, and not a second evaluation. */
  readonly takesGuidance: boolean;
  /** Sizes as in training are an input of the denoiser (SDXL). */
  readonly takesSizes: boolean;
  /** ControlNets can steer it. */
  readonly takesResiduals: boolean;
}

/** Signatures of a pipeline's networks. */
export interface PipelineSignatures {
  readonly denoiser: Pick<GraphSignature, "inputs">;
  readonly decoder: Pick<GraphSignature, "inputs">;
}

/**
 * Throws `model_failed` for a `config.json` that cannot be read.
 *
 * @param path of the denoiser's ONNX file; `config.json` beside it says how often sides are halved
 */
export async function readPipelineLimits(
  path: string,
  { denoiser, decoder }: PipelineSignatures,
): Promise<PipelineLimits> {
  const { inputs } = denoiser;
  const sample = inputs.find(({ name }) => name === "sample");
  const [rows] = sample?.dims ?? [];
  return {
    size: fixedSize(sample) ?? fixedSize(decoder.inputs[0]),
    multipleOf: LATENT_PLACE * 2 ** (await halvings(path)),
    fixedRows: typeof rows === "number" ? rows : null,
    takesResiduals: inputs.some(({ name }) => RESIDUAL.test(name)),
    takesGuidance: inputs.some(({ name }) => name === "timestep_cond"),
    takesSizes: inputs.some(({ name }) => name === "time_ids"),
  };
}

/** Of the pictures whose latents the input takes; null where a side is free. */
function fixedSize(latent: TensorSignature | undefined): Size | null {
  const [, , height, width] = latent?.dims ?? [];
  if (typeof height !== "number" || typeof width !== "number") return null;
  return { width: width * LATENT_PLACE, height: height * LATENT_PLACE };
}

/** Between one block and the next. Stable Diffusion 1.x and 2.x have four, which is what counts without a `config.json`. */
async function halvings(path: string): Promise<number> {
  const file = join(dirname(path), "config.json");
  if (!(await Bun.file(file).exists())) return 3;
  const bytes = await readRegularFile(file, "unet/config.json", MAX_CONFIG_BYTES);
  let config: unknown;
  try {
    config = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new WorkerError("model_failed", "unet/config.json is not valid JSON", { cause });
  }
  const widths = (config as Readonly<Record<string, unknown>> | null)?.["block_out_channels"];
  if (!Array.isArray(widths) || widths.length === 0) return 3;
  if (widths.length <= MAX_BLOCKS) return widths.length - 1;
  const problem = `block_out_channels has ${widths.length} entries; at most ${MAX_BLOCKS} are known`;
  throw new WorkerError("model_failed", `unet/config.json: ${problem}`);
}
