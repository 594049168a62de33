/** Graphs that come with the page: some need no models, the others draw with the first pipeline of the server. */
import type { VideoSource } from "../model-choice.ts";
import { graphJson } from "./graph-text.ts";
import type { NodeClasses } from "./node-classes.ts";

export interface ExampleGraph {
  readonly name: string;
  /** Whether it reads the video. */
  readonly source: VideoSource;
  readonly json: string;
}

/** The examples that can run. */
export function exampleGraphs(classes: NodeClasses): ExampleGraph[] {
  const [checkpoint] = checkpoints(classes);
  return [...PLAIN, ...(checkpoint === undefined ? [] : drawnWith(checkpoint))];
}

/** The graph to begin with. */
export const firstGraph = (source: VideoSource): string =>
  PLAIN.find((example) => example.source === source)?.json ?? "";

function checkpoints(classes: NodeClasses): readonly string[] {
  const names = classes["CheckpointLoaderSimple"]?.input.required?.["ckpt_name"]?.[0] ?? [];
  return typeof names === "string" ? [] : names;
}

const node = (class_type: string, inputs: object) => ({ class_type, inputs });
const color = (color: number) =>
  node("EmptyImage", { width: 512, height: 512, batch_size: 1, color });
const VIDEO = node("LoadTensor", {});
const show = (from: string) => node("SaveTensor", { images: [from, 0] });

const example = (name: string, source: VideoSource, graph: object): ExampleGraph => ({
  name,
  source,
  json: graphJson(graph),
});

const PLAIN: readonly ExampleGraph[] = [
  example("Sunset", "none", {
    "1": color(0x2b2a63),
    "2": color(0xff9a3d),
    "3": node("SolidMask", { value: 1, width: 512, height: 512 }),
    "4": node("FeatherMask", { mask: ["3", 0], left: 0, top: 400, right: 0, bottom: 0 }),
    "5": node("ImageCompositeMasked", {
      destination: ["1", 0],
      source: ["2", 0],
      mask: ["4", 0],
      x: 0,
      y: 0,
      resize_source: false,
    }),
    "6": show("5"),
  }),
  example("Inverted", "video", {
    "1": VIDEO,
    "2": node("ImageInvert", { image: ["1", 0] }),
    "3": show("2"),
  }),
  example("Soft glow", "video", {
    "1": VIDEO,
    "2": node("ImageBlur", { image: ["1", 0], blur_radius: 12, sigma: 6 }),
    "3": node("ImageBlend", {
      image1: ["1", 0],
      image2: ["2", 0],
      blend_factor: 0.7,
      blend_mode: "screen",
    }),
    "4": show("3"),
  }),
];

/** Text to image and image to image with a pipeline. */
function drawnWith(checkpoint: string): ExampleGraph[] {
  const common = (latent: string, denoise: number) => ({
    "1": node("CheckpointLoaderSimple", { ckpt_name: checkpoint }),
    "2": node("CLIPTextEncode", { text: "a red fox in the snow", clip: ["1", 1] }),
    "3": node("CLIPTextEncode", { text: "text, watermark", clip: ["1", 1] }),
    "4": node("KSampler", {
      seed: 1,
      steps: 4,
      cfg: 2,
      sampler_name: "euler",
      scheduler: "simple",
      denoise,
      model: ["1", 0],
      positive: ["2", 0],
      negative: ["3", 0],
      latent_image: [latent, 0],
    }),
    "5": node("VAEDecode", { samples: ["4", 0], vae: ["1", 2] }),
    "6": show("5"),
  });
  return [
    example("From a prompt", "none", {
      ...common("7", 1),
      "7": node("EmptyLatentImage", { width: 512, height: 512, batch_size: 1 }),
    }),
    example("Redrawn video", "video", {
      ...common("8", 0.5),
      "7": VIDEO,
      "8": node("VAEEncode", { pixels: ["7", 0], vae: ["1", 2] }),
    }),
  ];
}
