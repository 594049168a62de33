/** Selects the ControlNets of a graph's prompts that are active at a step, and prepares their control pictures, as ComfyUI does. */

import type { RowControl } from "../../diffusion/row-groups.ts";
import { LATENT_PLACE } from "../../diffusion/sampler/latent.ts";
import type { SigmaTable } from "../../diffusion/schedule/sigma-table.ts";
import { floatTensor, type Tensor } from "../../models/tensor.ts";
import { repeatedTo } from "./latents.ts";
import { resizeCropped } from "./resize.ts";
import type { Planes } from "./taps.ts";
import type { ConditioningPart, ControlChain, Images } from "./values.ts";

/** A step of a batch of latents, or of one area of them. */
interface ControlStep {
  readonly sigma: number;
  readonly table: SigmaTable;
  readonly pictures: number;
  readonly height: number;
  readonly width: number;
}

/** For each picture the ControlNets of a chain that are at work at this sigma. */
export function controlsAt(chain: ControlChain | null, step: ControlStep): RowControl[][] {
  const controls: RowControl[][] = Array.from({ length: step.pictures }, () => []);
  for (let control = chain; control !== null; control = control.previous) {
    const { net, hint, strength, range } = control;
    if (!step.table.isWithin(step.sigma, range)) continue;
    for (const [picture, one] of hintsFor(hint, step).entries()) {
      controls[picture]?.push({ net, hint: one, strength, depths: "even" });
    }
  }
  return controls;
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

/** The control picture at eight times the latent's size, its centre kept, for each picture of the batch. */
function hintsFor(hint: Images, { pictures, height, width }: ControlStep): Tensor[] {
  const size = { width: width * LATENT_PLACE, height: height * LATENT_PLACE };
  const resized = resizeCropped(planesOf(hint), size, "nearest-exact", "center");
  const { shape, values } = repeatedTo(resized, pictures);
  const length = values.length / pictures;
  const dims = [1, ...shape.slice(1)];
  return Array.from({ length: pictures }, (_, at) =>
    floatTensor(values.subarray(at * length, (at + 1) * length), dims),
  );
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
