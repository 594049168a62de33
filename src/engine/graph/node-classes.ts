/** The table of all known node classes, by name. */
import { byName, type NodeClasses } from "./node-class.ts";
import { CONDITIONING_NODES } from "./nodes/conditioning.ts";
import { FILE_NODES } from "./nodes/files.ts";
import { IMAGE_FILTER_NODES } from "./nodes/image-filters.ts";
import { IMAGE_SIZE_NODES } from "./nodes/image-sizes.ts";
import { IMAGE_NODES } from "./nodes/images.ts";
import { LATENT_NODES } from "./nodes/latents.ts";
import { LOADER_NODES } from "./nodes/loaders.ts";
import { MASK_NODES } from "./nodes/masks.ts";
import { PRIMITIVE_NODES } from "./nodes/primitives.ts";
import { SAMPLER_NODES } from "./nodes/samplers.ts";
import { SCHEDULE_NODES } from "./nodes/schedules.ts";
import { STAND_IN_NODES } from "./nodes/stand-ins.ts";
import { STREAM_NODES } from "./nodes/stream.ts";

export const NODE_CLASSES: NodeClasses = byName([
  ...LOADER_NODES,
  ...CONDITIONING_NODES,
  ...SAMPLER_NODES,
  ...SCHEDULE_NODES,
  ...LATENT_NODES,
  ...IMAGE_NODES,
  ...IMAGE_SIZE_NODES,
  ...IMAGE_FILTER_NODES,
  ...MASK_NODES,
  ...FILE_NODES,
  ...PRIMITIVE_NODES,
  ...STREAM_NODES,
  ...STAND_IN_NODES,
]);
