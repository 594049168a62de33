/** The table of the image and mask nodes that become part of an ONNX graph, by class name. */
import { BATCH_FRAGMENTS } from "./batches.ts";
import { BLEND_FRAGMENTS } from "./blend.ts";
import { CANNY_FRAGMENTS } from "./canny.ts";
import { CHANNEL_FRAGMENTS } from "./channels.ts";
import { COMPOSITE_FRAGMENTS } from "./composite.ts";
import { FILTER_FRAGMENTS } from "./filters.ts";
import { MASK_FRAGMENTS } from "./masks.ts";
import { MORPHOLOGY_FRAGMENTS } from "./morphology.ts";
import type { Fragment } from "./node-inputs.ts";
import { QUANTIZE_FRAGMENTS } from "./quantize.ts";
import { SIZE_FRAGMENTS } from "./sizes.ts";
import { SOURCE_FRAGMENTS } from "./sources.ts";
import { STAND_IN_FRAGMENTS } from "./stand-ins.ts";
import { STITCH_FRAGMENTS } from "./stitch.ts";
import { WINDOW_FRAGMENTS } from "./windows.ts";

export const IMAGE_FRAGMENTS: ReadonlyMap<string, Fragment> = new Map(
  [
    SOURCE_FRAGMENTS,
    CHANNEL_FRAGMENTS,
    SIZE_FRAGMENTS,
    WINDOW_FRAGMENTS,
    FILTER_FRAGMENTS,
    BLEND_FRAGMENTS,
    COMPOSITE_FRAGMENTS,
    BATCH_FRAGMENTS,
    MASK_FRAGMENTS,
    MORPHOLOGY_FRAGMENTS,
    STITCH_FRAGMENTS,
    CANNY_FRAGMENTS,
    QUANTIZE_FRAGMENTS,
    STAND_IN_FRAGMENTS,
  ].flatMap((family) => Object.entries(family)),
);
