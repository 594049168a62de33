/** Describes the diffusion program of a folder as a model with ports: what callers may set, and what it does with video. */

import { CONSISTENCY_GUIDANCE } from "../diffusion/networks/guidance-embedding.ts";
import type { PipelineLimits } from "../diffusion/pipeline-limits.ts";
import { GUIDANCE_MODES } from "../diffusion/sampler/prompt-guidance.ts";
import { SAMPLING_RULES } from "../diffusion/sampling-rules.ts";
import { defineModel } from "./define-model.ts";
import type { ModelDefinition } from "./definition.ts";
import type { ModelJson, PortEntry } from "./model-json.ts";
import type { GraphSignature, TensorSignature } from "./tensor-signature.ts";

/** A port is no tensor of a graph: the program reads its value. */
interface DiffusionPort extends Pick<TensorSignature, "dtype" | "dims"> {
  readonly entry: PortEntry;
}

const number = (entry: Omit<PortEntry, "role">): DiffusionPort => ({
  ...{ dtype: "float32", dims: [] },
  entry: { role: "param", ...entry },
});

/** By name, in the order in which they are shown. */
function portsOf({
  limits,
  hasControlNet,
  followsDiffusers,
}: Omit<DiffusionFolder, "folder" | "encodesVideo">): Readonly<Record<string, DiffusionPort>> {
  const { size, multipleOf, takesGuidance, fixedRows } = limits;
  const sides = size === null ? (["height", "width"] as const) : [size.height, size.width];
  return {
    image: {
      ...{ dtype: "uint8", dims: [1, 3, ...sides] },
      entry: { role: "frame", optional: true, multiple_of: multipleOf },
    },
    prompts: { dtype: null, dims: null, entry: { role: "prompts" } },
    seed: { dtype: "int64", dims: [], entry: { role: "seed" } },
    steps: {
      ...{ dtype: "int64", dims: [] },
      entry: {
        ...{ role: "param", default: 1, min: 1, max: 50 },
        description: "Denoising steps: more take longer",
      },
    },
    strength: number({
      ...{ default: 0.6, min: 0, max: 1 },
      description: "How much of the video is replaced: 0 keeps it, 1 ignores it",
    }),
    guidance: number({
      ...{ default: takesGuidance ? CONSISTENCY_GUIDANCE : 1, min: takesGuidance ? 1 : 0, max: 30 },
      description: takesGuidance
        ? "How closely the prompt is followed"
        : "How closely the prompt is followed; 1 is without negative prompts, and fastest",
    }),
    ...(!takesGuidance && GUIDANCE_PORTS),
    ...(followsDiffusers && !takesGuidance && { rules: RULES_PORT }),
    ...(hasControlNet && {
      control: number({
        ...{ default: 1, min: 0, max: 2 },
        description:
          "How closely the ControlNet follows its picture, or else the video; 0 leaves it out",
      }),
      control_image: {
        ...{ dtype: "uint8", dims: [1, 3, ...sides] },
        entry: {
          ...{ role: "image", multiple_of: multipleOf },
          description: "What the ControlNet follows in place of the video",
        },
      },
    }),
    ...(fixedRows === null && {
      stream_batch: {
        ...{ dtype: "bool", dims: [] },
        entry: {
          ...{ role: "param", default: 0 },
          description: "The steps of successive frames are run together, one frame later for each",
        },
      },
    }),
    skip_similar: number({
      ...{ default: 0, min: 0, max: 1 },
      description:
        "Video frames that are as similar to the last drawn one show its picture again; 0 draws all, try 0.98",
    }),
    feedback: number({
      ...{ default: 0.5, min: 0, max: 1 },
      description: "Without video: how much of a picture stays in the next one",
    }),
    drift: number({
      ...{ default: 0.25, min: 0, max: 10, sum: true },
      description: "Without video: how fast pictures change by themselves, in seeds a second",
    }),
  };
}

/** For denoisers that are guided by a second evaluation. */
const GUIDANCE_PORTS: Readonly<Record<string, DiffusionPort>> = {
  guidance_mode: {
    ...{ dtype: "float32", dims: [GUIDANCE_MODES.length] },
    entry: {
      ...{ role: "vector", entries: [...GUIDANCE_MODES], choice: true },
      description:
        "How often the negative prompt is evaluated: in full, once a picture, or never (self); the fewer, the faster",
    },
  },
  guidance_delta: number({
    ...{ default: 1, min: 0, max: 1 },
    description: "How much of the estimated negative is avoided, where it is not evaluated",
  }),
};

const RULES_PORT: DiffusionPort = {
  ...{ dtype: "float32", dims: [SAMPLING_RULES.length] },
  entry: {
    ...{ role: "vector", entries: [...SAMPLING_RULES], choice: true },
    description:
      "Whose pictures are drawn for a seed; those of diffusers do not flow without video",
  },
};

/** What is known of a pipeline before it is opened. */
export interface DiffusionFolder {
  readonly folder: string;
  readonly limits: PipelineLimits;
  /** It has a VAE encoder: without one it draws from noise alone. */
  readonly encodesVideo: boolean;
  readonly hasControlNet: boolean;
  /** It can be sampled as diffusers does. */
  readonly followsDiffusers: boolean;
}

/** The definition of the program in `folder`; its `model.json`, where there is one, changes entries of the ports. */
export function defineDiffusion(
  name: string,
  json: ModelJson,
  { folder, encodesVideo, ...kind }: DiffusionFolder,
): ModelDefinition {
  const ports = Object.entries(portsOf(kind));
  const signature: GraphSignature = {
    inputs: ports.map(([port, { dtype, dims }]) => ({ name: port, dtype, dims })),
    outputs: [{ name: "picture", dtype: "uint8", dims: [1, 3, "height", "width"] }],
    ...{ metadata: new Map(), opset: 0 },
  };
  const entries = ports.map(([port, { entry }]) => [port, { ...entry, ...json.inputs?.[port] }]);
  const inputs = { ...json.inputs, ...Object.fromEntries(entries) };
  const definition = defineModel(name, { ...json, inputs }, signature, folder);
  const video = encodesVideo ? definition.video : "none";
  return { ...definition, video, batchable: false };
}
