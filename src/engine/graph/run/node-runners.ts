/** The table of what runs node classes, by name. */
import type { NodeRunner } from "./node-runner.ts";
import { CONDITIONINGS } from "./nodes/conditioning.ts";
import { CONTROLS } from "./nodes/control.ts";
import { EDGES } from "./nodes/edges.ts";
import { FOLDER_MODELS } from "./nodes/folder-models.ts";
import { LATENT_SHAPES } from "./nodes/latent-shapes.ts";
import { LATENTS } from "./nodes/latents.ts";
import { LOADERS } from "./nodes/loaders.ts";
import { MODEL_SAMPLING } from "./nodes/model-sampling.ts";
import { SAMPLER_RUNNERS } from "./nodes/samplers.ts";
import { SCHEDULE_RUNNERS } from "./nodes/schedules.ts";
import { VAE_NODES } from "./nodes/vae.ts";

export const NODE_RUNNERS: ReadonlyMap<string, NodeRunner> = new Map(
  [
    LOADERS,
    FOLDER_MODELS,
    CONDITIONINGS,
    CONTROLS,
    LATENTS,
    LATENT_SHAPES,
    VAE_NODES,
    SAMPLER_RUNNERS,
    SCHEDULE_RUNNERS,
    MODEL_SAMPLING,
    EDGES,
  ].flatMap((family) => Object.entries(family)),
);
