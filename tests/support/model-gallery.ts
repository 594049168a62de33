/** Made-up models, one for each kind of parameter and each state, as an engine reports them. */
import type { ModelInfo } from "../../src/engine/protocol/models.ts";

const STYLES = ["mosaic", "candy", "rain princess", "udnie", "starry night", "wave"];

/** A model that is ready, takes video and prompts and has no parameters, unless `its` says otherwise. */
const model = (its: Partial<ModelInfo> & { name: string }): ModelInfo => ({
  description: `Made up: ${its.name}.`,
  source: `models/${its.name}`,
  license: "Apache-2.0",
  state: "ready",
  takes_video: true,
  needs_video: true,
  takes_prompts: false,
  device: "cpu",
  execution_provider: "cpu",
  params: [],
  presets: {},
  data: [],
  ...its,
});

const description = "";
const strength = {
  type: "number",
  name: "strength",
  min: 0,
  max: 1,
  default: 1,
  integer: false,
  description,
} as const;

/** What `watcher` says of each frame. */
export const MADE_UP_DATA = {
  labels: [
    { label: "tabby cat", score: 0.815 },
    { label: "sleeping bag, with a name that is too long for the page", score: 0.12 },
    { label: "vase", score: 0.004 },
  ],
  boxes: Array.from({ length: 40 }, (_, index) => index / 8),
  text: { language: "en", lines: 2 },
};

export const MODEL_GALLERY: readonly ModelInfo[] = [
  model({
    name: "describer",
    source: "built-in",
    takes_video: false,
    needs_video: false,
    takes_prompts: true,
    params: [strength],
  }),
  model({
    name: "painter",
    description: "Paints video in a style, or in several at a time.",
    needs_video: false,
    params: [
      { ...strength, description: "How much of the style is seen." },
      {
        type: "vector",
        name: "style",
        min: 0,
        max: 1,
        default: [1, 0, 0, 0, 0, 0],
        entries: STYLES,
        blend: true,
        description: "The style, or a blend of several.",
      },
      {
        type: "switch",
        name: "keep_colours",
        default: false,
        description: "The video keeps its colours.",
      },
      {
        type: "trigger",
        name: "reset",
        default: 0,
        description: "Forgets what was painted before.",
      },
      {
        type: "number",
        name: "seed",
        min: 0,
        max: 2 ** 31 - 1,
        default: 1,
        integer: true,
        description,
      },
    ],
    presets: {
      Night: { style: [0, 0, 0, 0, 1, 0], strength: 0.5, keep_colours: true },
      Sea: { style: [0, 0.25, 0, 0, 0, 0.75] },
    },
  }),
  model({
    name: "copyist",
    description: "Paints video in the style of a picture.",
    params: [
      { type: "picture", name: "style_picture", description: "Whose style is taken." },
      strength,
    ],
  }),
  model({
    name: "mixer",
    license: "",
    params: [
      {
        type: "vector",
        name: "gain",
        min: -2,
        max: 2,
        default: [0, 0, 0],
        entries: ["red", "green", "blue"],
        blend: false,
        description,
      },
      {
        type: "vector",
        name: "offset",
        min: -1,
        max: 1,
        default: [0, 0, 0],
        entries: [],
        blend: false,
        description,
      },
      {
        type: "vector",
        name: "latent",
        min: -4,
        max: 4,
        default: Array.from({ length: 32 }, () => 0),
        entries: [],
        blend: false,
        description,
      },
    ],
  }),
  model({ name: "watcher", description: "Names what it sees.", data: Object.keys(MADE_UP_DATA) }),
  model({ name: "loading", state: "warming", load_estimate_ms: 20_000 }),
  model({ name: "asleep", state: "cold", load_estimate_ms: 4000 }),
  model({ name: "broken", state: "failed", error: "model.onnx: a Git LFS pointer, not a model" }),
];
