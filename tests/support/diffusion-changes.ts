/** What a stream through a diffusion pipeline may be asked for while it runs. */
import type { Change } from "./diffusion-run.ts";

type Node = { readonly class_type: string; readonly inputs: Readonly<Record<string, unknown>> };

interface Painter {
  /** A folder of the workspace with a pipeline. */
  readonly model: string;
  /** Of the pictures. */
  readonly side: number;
  readonly hasInput: boolean;
  /** Of the stream. `guidance`: enough for texts to matter, and too little to saturate the picture. */
  readonly settings: { readonly guidance: number; readonly drift?: number };
}

/** Texts, seeds, strengths, steps, negative prompts and graphs, each of which changes the picture. */
export function changesOf(painter: Painter): readonly Change[] {
  const { model, hasInput, settings } = painter;
  const texts = (prompt: string, rest: object = {}) => ({ prompts: [{ prompt, ...rest }] });
  // Another model begins with its own defaults.
  const backTo = (prompt: string) => ({ model, ...texts(prompt), seed: 6, ...settings });
  return [
    { what: "prompt", fields: texts("a stone bridge over a river at night") },
    { what: "seed", fields: { seed: 6 } },
    hasInput
      ? { what: "strength", fields: { strength: 0.3 } }
      : { what: "steps", fields: { steps: 3 } },
    { what: "graph", fields: { prompts: graphFor(painter, 7), model: "comfyui" } },
    { what: "graph's seed", fields: { prompts: graphFor(painter, 8) } },
    { what: "text in place of the graph", fields: backTo("a red fox in the snow") },
    {
      what: "negative prompt",
      fields: texts("a red fox in the snow", { negative_prompt: "night, river, stone, bridge" }),
    },
    {
      what: "strength, steps and seed",
      fields: { strength: 0.6, steps: 1, seed: 5 },
    },
  ];
}

/** ComfyUI's graph of text to image, or of image to image where there is a video. */
function graphFor(
  { model, side, hasInput, settings }: Painter,
  seed: number,
): Readonly<Record<string, Node>> {
  const text = (words: string): Node => ({
    class_type: "CLIPTextEncode",
    inputs: { text: words, clip: ["4", 1] },
  });
  const latent: Node = hasInput
    ? { class_type: "VAEEncode", inputs: { pixels: ["10", 0], vae: ["4", 2] } }
    : { class_type: "EmptyLatentImage", inputs: { width: side, height: side, batch_size: 1 } };
  return {
    "4": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: `${model}.safetensors` } },
    ...(hasInput && { "10": { class_type: "LoadImage", inputs: { image: "frame.png" } } }),
    "5": latent,
    "6": text("a lighthouse at night"),
    "7": text("text, watermark"),
    "3": {
      class_type: "KSampler",
      inputs: {
        seed,
        steps: 2,
        cfg: settings.guidance,
        sampler_name: "euler",
        scheduler: "normal",
        denoise: hasInput ? 0.5 : 1,
        model: ["4", 0],
        positive: ["6", 0],
        negative: ["7", 0],
        latent_image: ["5", 0],
      },
    },
    "8": { class_type: "VAEDecode", inputs: { samples: ["3", 0], vae: ["4", 2] } },
    "9": { class_type: "SaveImage", inputs: { images: ["8", 0], filename_prefix: "frame" } },
  };
}
