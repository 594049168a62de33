/** The ports of a diffusion pipeline: what callers may set, by what its networks and its scheduler can do. */
import { CONSISTENCY_GUIDANCE } from "../diffusion/networks/guidance-embedding.ts";
import { CONTROL_SUFFIXES, type PipelineAbilities } from "../diffusion/pipeline-abilities.ts";
import { GUIDANCE_MODES } from "../diffusion/sampler/prompt-guidance.ts";
import { SAMPLING_RULES } from "../diffusion/sampling-rules.ts";
import type { PortEntry } from "./model-json.ts";
import type { TensorSignature } from "./tensor-signature.ts";

/** A port is no tensor of a graph: the program reads its value. */
export interface DiffusionPort extends Pick<TensorSignature, "dtype" | "dims"> {
  readonly entry: PortEntry;
}

/** By name, in the order in which they are shown. */
export type DiffusionPorts = Readonly<Record<string, DiffusionPort>>;

export function diffusionPorts(abilities: PipelineAbilities): DiffusionPorts {
  const { limits, followsDiffusers, clipLayers } = abilities;
  const { takesGuidance, takesSizes, fixedRows } = limits;
  return {
    image: picture(limits, { role: "frame", optional: true }),
    prompts: { dtype: null, dims: null, entry: { role: "prompts" } },
    seed: { dtype: "int64", dims: [], entry: { role: "seed" } },
    steps: integer({
      default: 1,
      min: 1,
      max: 50,
      description: "Denoising steps: more take longer",
    }),
    strength: number({
      default: 0.6,
      min: 0,
      max: 1,
      description: "How much of the video is replaced: 0 keeps it, 1 ignores it",
    }),
    guidance: number({
      default: takesGuidance ? CONSISTENCY_GUIDANCE : 1,
      min: takesGuidance ? 1 : 0,
      max: 30,
      description: takesGuidance
        ? "How closely the prompt is followed"
        : "How closely the prompt is followed; 1 is without negative prompts, and fastest",
    }),
    ...(!takesGuidance && GUIDANCE_PORTS),
    ...(clipLayers > 0 && {
      clip_skip: integer({
        default: 0,
        min: 0,
        max: clipLayers,
        description: "Layers at the end of the text encoder that are left out",
      }),
    }),
    ...(takesSizes && SIZE_PORTS),
    ...(followsDiffusers && !takesGuidance && diffusersPorts(abilities)),
    ...controlPorts(abilities),
    ...(fixedRows === null && {
      stream_batch: flag(
        "The steps of successive frames are run together, one frame later for each",
      ),
    }),
    skip_similar: number({
      default: 0,
      min: 0,
      max: 1,
      description:
        "Video frames that are as similar to the last drawn one show its picture again; 0 draws all, try 0.98",
    }),
    feedback: number({
      default: 0.5,
      min: 0,
      max: 1,
      description: "Without video: how much of a picture stays in the next one",
    }),
    drift: number({
      default: 0.25,
      min: 0,
      max: 10,
      sum: true,
      description: "Without video: how fast pictures change by themselves, in seeds a second",
    }),
  };
}

const number = (entry: Omit<PortEntry, "role">): DiffusionPort => ({
  dtype: "float32",
  dims: [],
  entry: { role: "param", ...entry },
});

const integer = (entry: Omit<PortEntry, "role">): DiffusionPort => ({
  dtype: "int64",
  dims: [],
  entry: { role: "param", ...entry },
});

const flag = (description: string): DiffusionPort => ({
  dtype: "bool",
  dims: [],
  entry: { role: "param", default: 0, description },
});

const choice = (entries: readonly string[], description: string): DiffusionPort => ({
  dtype: "float32",
  dims: [entries.length],
  entry: { role: "vector", entries: [...entries], choice: true, description },
});

function picture(
  { size, multipleOf }: PipelineAbilities["limits"],
  entry: PortEntry,
): DiffusionPort {
  const sides = size === null ? (["height", "width"] as const) : [size.height, size.width];
  return { dtype: "uint8", dims: [1, 3, ...sides], entry: { ...entry, multiple_of: multipleOf } };
}

/** For denoisers that are guided by a second evaluation. */
const GUIDANCE_PORTS: DiffusionPorts = {
  guidance_mode: choice(
    GUIDANCE_MODES,
    "How often the negative prompt is evaluated: in full, once a picture, or never (self); the fewer, the faster",
  ),
  guidance_delta: number({
    default: 1,
    min: 0,
    max: 1,
    description: "How much of the estimated negative is avoided, where it is not evaluated",
  }),
};

const sides = (entries: readonly string[], description: string): DiffusionPort => ({
  dtype: "float32",
  dims: [2],
  entry: {
    role: "vector",
    entries: [...entries],
    default: [0, 0],
    min: 0,
    max: 16_384,
    description,
  },
});

/** SDXL's, under diffusers' names. */
const SIZE_PORTS: DiffusionPorts = {
  original_size: sides(
    ["height", "width"],
    "The size of a training picture that this one should look like; 0: the picture's own",
  ),
  crops_coords_top_left: sides(
    ["top", "left"],
    "Where such a picture would have been cropped; 0 shows subjects in the middle",
  ),
  target_size: sides(
    ["height", "width"],
    "The size that such a picture would have been scaled to; 0: the picture's own",
  ),
};

function diffusersPorts({ takesEta }: PipelineAbilities): DiffusionPorts {
  return {
    rules: choice(
      SAMPLING_RULES,
      "Whose pictures are drawn for a seed; those of diffusers do not flow without video",
    ),
    ...(takesEta && {
      eta: number({
        default: 0,
        min: 0,
        max: 1,
        description: "By diffusers' rules: noise that each step adds, from none to that of DDPM",
      }),
    }),
    guidance_rescale: number({
      default: 0,
      min: 0,
      max: 1,
      description: "By diffusers' rules: how much of the contrast that guidance adds is taken back",
    }),
  };
}

function controlPorts({ limits, controlNets }: PipelineAbilities): DiffusionPorts {
  const ports = CONTROL_SUFFIXES.slice(0, controlNets).flatMap(
    (suffix): [string, DiffusionPort][] => [
      [
        `control${suffix}`,
        number({
          default: 1,
          min: 0,
          max: 2,
          description:
            "How closely the ControlNet follows its picture, or else the video; 0 leaves it out",
        }),
      ],
      [
        `control_image${suffix}`,
        picture(limits, {
          role: "image",
          description: "What the ControlNet follows in place of the video",
        }),
      ],
      [
        `control_start${suffix}`,
        number({
          default: 0,
          min: 0,
          max: 1,
          description: "The share of the run after which the ControlNet is followed",
        }),
      ],
      [
        `control_end${suffix}`,
        number({
          default: 1,
          min: 0,
          max: 1,
          description: "The share of the run up to which the ControlNet is followed",
        }),
      ],
    ],
  );
  if (controlNets === 0) return {};
  const guess = flag("ControlNets steer the prompt alone, and shapes more than details");
  return { ...Object.fromEntries(ports), guess_mode: guess };
}
