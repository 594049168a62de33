/** Makes zeros for the residual inputs of a denoiser when no ControlNet runs. Used in workers. */
import { dirname, join } from "node:path";
import { WorkerError } from "../../../errors.ts";
import { readRegularFile } from "../../models/regular-file.ts";
import type { Tensor } from "../../models/tensor.ts";
import type { GraphSignature } from "../../models/tensor-signature.ts";

/** Names of a denoiser's inputs for residuals. */
export const RESIDUAL =
  /^(?:down_block_additional_residuals[._]\d+|mid_block_additional_residual)$/;
const MAX_CONFIG_BYTES = 2 ** 20;

export interface ResidualInput {
  readonly name: string;
  readonly channels: number;
  /** How often the latent's sides have been halved there. */
  readonly level: number;
}

/**
 * The denoiser's inputs for residuals; empty where it has none. Blocks give equally many: one for each of their layers
 * and one for the step to the next block, which the input of the first stands for.
 *
 * @param path of its ONNX file; `config.json` beside it says how many blocks there are
 */
export async function residualInputs(
  { inputs }: GraphSignature,
  path: string,
): Promise<ResidualInput[]> {
  const residuals = inputs.filter(({ name }) => RESIDUAL.test(name));
  if (residuals.length === 0) return [];
  const file = join(dirname(path), "config.json");
  const bytes = await readRegularFile(file, "unet/config.json", MAX_CONFIG_BYTES);
  const config = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  const widths = config["block_out_channels"];
  const blocks = Array.isArray(widths) ? widths.length : 0;
  const perBlock = (residuals.length - 1) / blocks;
  return residuals.map(({ name, dims }) => {
    const channels = dims?.[1];
    if (typeof channels !== "number" || !Number.isInteger(perBlock)) {
      const problem = `the denoiser takes ${residuals.length} residuals for ${blocks} blocks`;
      throw new WorkerError("model_failed", `${problem}: check block_out_channels in config.json`);
    }
    const index = /\d+$/.exec(name)?.[0];
    const level = index === undefined ? blocks - 1 : Math.floor(Number(index) / perBlock);
    return { name, channels, level };
  });
}

/** Zeros for a sample `[batch, channels, height, width]`. */
export function absentResiduals(
  inputs: readonly ResidualInput[],
  { dims: [batch = 1, , height = 1, width = 1] }: Pick<Tensor, "dims">,
): Record<string, Tensor> {
  return Object.fromEntries(
    inputs.map(({ name, channels, level }) => {
      const sides = [height, width].map((side) => Math.ceil(side / 2 ** level));
      const dims = [batch, channels, ...sides];
      const data = new Float32Array(dims.reduce((product, side) => product * side, 1));
      return [name, { dtype: "float32", dims, data }];
    }),
  );
}
