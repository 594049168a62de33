/** Resizes pictures without cropping, by the node's method. */
import { roundHalfToEven } from "../../diffusion/schedule/python-numbers.ts";
import type { ImageValue } from "./graph-value.ts";
import type { ImageMath } from "./image-math.ts";
import type { NodeInputs } from "./node-inputs.ts";
import { resize, type TargetSize } from "./resample.ts";

/** ComfyUI computes sizes in float64 and rounds them as Python does. */
export const scaledBy = ({ width, height }: ImageValue, scale: number): TargetSize => ({
  width: roundHalfToEven(width * scale),
  height: roundHalfToEven(height * scale),
});

export function stretched(inputs: NodeInputs, math: ImageMath, to: TargetSize): ImageValue {
  if (to.width < 1 || to.height < 1) {
    throw inputs.refusal("image", `would become ${to.width}x${to.height}; choose a larger size`);
  }
  const method = inputs.word("upscale_method");
  return resize(math, inputs.image("image"), to, { method, crop: "disabled" });
}
