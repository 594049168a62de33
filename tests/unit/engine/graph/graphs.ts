/** Small graphs for tests, and the names that they may use. */
import { type GraphFiles, namedFiles } from "../../../../src/engine/graph/graph-files.ts";
import { NODE_CLASSES } from "../../../../src/engine/graph/node-classes.ts";
import { parseGraph } from "../../../../src/engine/graph/read-graph.ts";
import { type Validation, validate } from "../../../../src/engine/graph/validate.ts";

export const FILES: GraphFiles = namedFiles({
  checkpoint: ["tiny"],
  diffusion_model: ["tiny-unet"],
  text_encoder: ["tiny-clip"],
  vae: ["tiny-vae"],
  controlnet: ["tiny-control"],
  image: ["example.png"],
  model: ["edges"],
});

export interface PlainNode {
  readonly class_type?: unknown;
  readonly inputs?: unknown;
  readonly _meta?: unknown;
}

/** A picture that is blurred and saved. */
export const blurred = (blur: Record<string, unknown> = {}): Record<string, PlainNode> => ({
  "1": { class_type: "LoadImage", inputs: { image: "example.png" } },
  "2": {
    class_type: "ImageBlur",
    inputs: { image: ["1", 0], blur_radius: 3, sigma: 1.5, ...blur },
  },
  "3": { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: "blurred" } },
});

/** A picture from noise and two texts, as ComfyUI's default graph makes it. */
export const textToImage = (sampler: Record<string, unknown> = {}): Record<string, PlainNode> => ({
  model: { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "SD/Tiny.safetensors" } },
  wanted: { class_type: "CLIPTextEncode", inputs: { text: "a kite", clip: ["model", 1] } },
  unwanted: { class_type: "CLIPTextEncode", inputs: { text: "", clip: ["model", 1] } },
  empty: { class_type: "EmptyLatentImage", inputs: { width: 64, height: 64, batch_size: 1 } },
  sampler: {
    class_type: "KSampler",
    inputs: {
      model: ["model", 0],
      positive: ["wanted", 0],
      negative: ["unwanted", 0],
      latent_image: ["empty", 0],
      seed: 5,
      steps: 4,
      cfg: 2,
      denoise: 1,
      sampler_name: "euler",
      scheduler: "normal",
      ...sampler,
    },
  },
  decode: { class_type: "VAEDecode", inputs: { samples: ["sampler", 0], vae: ["model", 2] } },
  save: { class_type: "PreviewImage", inputs: { images: ["decode", 0] } },
});

/** As it is judged, through JSON, so that numbers are what JSON makes of them. */
export const judged = (graph: Record<string, PlainNode>): Validation =>
  validate(parseGraph(JSON.stringify(graph)), { classes: NODE_CLASSES, files: FILES });

export const messages = ({ problems }: Validation): string[] =>
  problems.map(({ message }) => message);
