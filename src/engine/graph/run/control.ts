/** Runs the ControlNets that are attached to the prompts of one step, as ComfyUI does. */
import { WorkerError } from "../../../errors.ts";
import type { ControlInput } from "../../diffusion/networks/control-net.ts";
import type { Denoiser } from "../../diffusion/networks/denoiser.ts";
import type { SigmaTable } from "../../diffusion/schedule/sigma-table.ts";
import type { Tensor } from "../../models/tensor.ts";
import { repeatedTo, SHRINKS_BY } from "./latents.ts";
import { resizeCropped } from "./resize.ts";
import type { Planes } from "./taps.ts";
import type { ConditioningPart, ControlChain, Images } from "./values.ts";

export interface ControlStep extends Pick<ControlInput, "sample" | "timestep" | "embeddings"> {
  readonly sigma: number;
  readonly table: SigmaTable;
}

/** The sum of what the ControlNets of a chain add at this sigma; empty if none is at work. */
export async function controlResiduals(
  chain: ControlChain | null,
  denoiser: Denoiser,
  step: ControlStep,
): Promise<Record<string, Tensor>> {
  let sum: Record<string, Tensor> = {};
  for (let control = chain; control !== null; control = control.previous) {
    const { net, hint, strength, range } = control;
    const { sigma, table, sample, timestep, embeddings } = step;
    if (sigma > table.percentToSigma(range.start)) continue;
    if (sigma < table.percentToSigma(range.end)) continue;
    if (!denoiser.takesResiduals) {
      throw new WorkerError(
        "invalid_request",
        "the model takes no residuals of ControlNets: load another one, or export its unet with their inputs",
      );
    }
    const input = { sample, timestep, embeddings, hint: hintFor(hint, sample), strength };
    const residuals = await net.residuals(input);
    if (!denoiser.fitsResiduals(residuals)) {
      throw new WorkerError(
        "invalid_request",
        "the ControlNet is made for another kind of model: load one that was trained for this one",
      );
    }
    sum = Object.keys(sum).length === 0 ? residuals : addResiduals(sum, residuals);
  }
  return sum;
}

/** Residuals of several ControlNets, which are added up. */
function addResiduals(
  first: Readonly<Record<string, Tensor>>,
  second: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(first).map(([name, tensor]) => {
      const other = second[name]?.data as Float32Array | undefined;
      const data = (tensor.data as Float32Array).map((value, at) => value + (other?.[at] ?? 0));
      return [name, { ...tensor, data }];
    }),
  );
}

/** The negative prompts with the ControlNets of ControlNetApply, which are meant for both sides. */
export function withControl(
  negatives: readonly ConditioningPart[],
  positives: readonly ConditioningPart[],
): readonly ConditioningPart[] {
  const isWhole = ({ area }: ConditioningPart): boolean => area === undefined;
  const controls = positives
    .filter(isWhole)
    .flatMap(({ control }) => (control?.sides === "both" ? [control] : []));
  const whole = negatives.filter(isWhole);
  if (whole.some(({ control }) => control !== undefined)) return negatives;
  const result = [...negatives];
  for (const [at, control] of controls.entries()) {
    const part = whole[at % whole.length];
    if (part === undefined) break;
    if (at < whole.length) result[negatives.indexOf(part)] = { ...part, control };
    else result.push({ ...part, control });
  }
  return result;
}

/** The control picture at eight times the sample's size, its centre kept, for each sample of the batch. */
function hintFor(hint: Images, { dims }: Tensor): Tensor {
  const [batch = 1, , height = 1, width = 1] = dims;
  const size = { width: width * SHRINKS_BY, height: height * SHRINKS_BY };
  const planes = repeatedTo(resizeCropped(planesOf(hint), size, "nearest-exact", "center"), batch);
  return { dtype: "float32", dims: planes.shape, data: planes.values };
}

function planesOf({ data, batch, height, width, channels }: Images): Planes {
  const size = height * width;
  const values = new Float32Array(batch * 3 * size);
  for (let at = 0; at < values.length; at++) {
    const [picture, channel] = [Math.floor(at / (3 * size)), Math.floor(at / size) % 3];
    values[at] = data[(picture * size + (at % size)) * channels + channel] as number;
  }
  return { values, shape: [batch, 3, height, width] };
}
