/** Chooses the layer of a CLIP text encoder that conditions the denoiser, and normalises it where that is needed. */
import { WorkerError } from "../../../errors.ts";

/** How a model family uses its text encoders. */
export type TextFamily =
  /** SD 1.x and 2.x: the last layer, and the final norm is applied to whichever layer is chosen. */
  | "sd"
  /** SDXL, both encoders: the last layer but one, never normalised. */
  | "sdxl";

/** The encoder output to take. */
export interface TextLayer {
  /** Name of the ONNX output, as Optimum exports it. */
  readonly output: string;
  /** True: the output comes before the encoder's final layer norm, which `layerNorm` must apply. */
  readonly needsFinalNorm: boolean;
}

interface LayerChoice {
  readonly family: TextFamily;
  /** Layers in the exported encoder: `num_hidden_layers` of its config.json. */
  readonly layers: number;
  /** Last layers that the export left out: 1 for SD 2.x and SD-Turbo, whose folders hold 23 of 24 layers. */
  readonly layersLeftOut?: number;
  /** CLIPSetLastLayer's `stop_at_clip_layer`, -1 for the last layer; absent: the family's own. */
  readonly stopAt?: number;
}

/**
 * The output that ComfyUI's layer `stopAt` corresponds to. `hidden_states.N` is the output of layer N, and
 * `hidden_states.0` the embeddings before the first. ComfyUI takes the last layer, normalised, where the encoder has
 * fewer layers than `stopAt` counts back. For a layer that the export left out, its last one is taken.
 */
export function textLayer({
  family,
  layers,
  layersLeftOut = 0,
  stopAt = family === "sdxl" ? -2 : -1 - layersLeftOut,
}: LayerChoice): TextLayer {
  const last = { output: "last_hidden_state", needsFinalNorm: false };
  const all = layers + layersLeftOut;
  if (!Number.isInteger(stopAt) || stopAt >= 0) {
    throw new WorkerError(
      "invalid_request",
      `stop_at_clip_layer is ${stopAt}; give a negative integer, such as -2`,
    );
  }
  if (-stopAt > all) return last;
  const layer = Math.min(layers, all + 1 + stopAt);
  const output = `hidden_states.${layer}`;
  if (family === "sdxl") return { output, needsFinalNorm: false };
  return layer === layers ? last : { output, needsFinalNorm: true };
}

/** Scale and shift of a layer norm: the initializers `…final_layer_norm.weight` and `.bias`, each [width]. */
export interface NormWeights {
  readonly scale: Float32Array;
  readonly shift: Float32Array;
  /** `layer_norm_eps` of the encoder's config.json. */
  readonly epsilon: number;
}

/** Normalises each row of [rows, width] in place to mean 0 and variance 1, then scales and shifts it. */
export function layerNorm(values: Float32Array, { scale, shift, epsilon }: NormWeights): void {
  const width = scale.length;
  if (shift.length !== width || values.length % width !== 0) {
    throw new RangeError(`${values.length} values, ${width} scales and ${shift.length} shifts`);
  }
  for (let start = 0; start < values.length; start += width) {
    const row = values.subarray(start, start + width);
    let mean = 0;
    for (const value of row) mean += value / width;
    let variance = 0;
    for (const value of row) variance += (value - mean) ** 2 / width;
    const factor = 1 / Math.sqrt(variance + epsilon);
    for (let at = 0; at < width; at++) {
      const normal = ((row[at] as number) - mean) * factor;
      row[at] = normal * (scale[at] as number) + (shift[at] as number);
    }
  }
}
