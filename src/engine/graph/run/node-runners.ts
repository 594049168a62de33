/** The table of the node classes that a worker thread runs, by name. */
import { IMAGE_FRAGMENTS } from "../image/fragments.ts";
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

const runImageNode: NodeRunner = async (inputs, { images }) => await images.run(inputs);

/** A `Map`, so that a graph cannot name a member of `Object.prototype`. For `unsupported` and `runnable`, too. */
export const NODE_RUNNERS: ReadonlyMap<string, NodeRunner> = new Map([
  ...[...IMAGE_FRAGMENTS.keys()].map((name): [string, NodeRunner] => [name, runImageNode]),
  ...[
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
]);
