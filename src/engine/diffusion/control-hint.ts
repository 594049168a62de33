/** What steers the ControlNet of a pipeline in one frame: a picture, and how closely it is followed. */
import type { StillPicture } from "../models/roles/role.ts";
import type { Tensor } from "../models/tensor.ts";

/** The picture that is followed, as large as the one that is drawn. */
export interface ControlPicture {
  readonly picture: StillPicture;
  /** Factor of the residuals, above 0. */
  readonly strength: number;
}

/** The same for the network. */
export interface ControlHint {
  /** float32 `[1, 3, height, width]` from 0 to 1. */
  readonly hint: Tensor;
  readonly strength: number;
}

export function controlHint({ picture, strength }: ControlPicture): ControlHint {
  const { data, width, height } = picture;
  const values = new Float32Array(data.length);
  for (let at = 0; at < values.length; at++) values[at] = (data[at] as number) / 255;
  return { hint: { dtype: "float32", dims: [1, 3, height, width], data: values }, strength };
}
