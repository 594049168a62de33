/** Lists the classes that change the colours of pictures. */
import type { NodeClass } from "../node-class.ts";
import { Canny } from "./image-filters/canny.ts";
import { ImageAddNoise } from "./image-filters/image-add-noise.ts";
import { ImageBlur } from "./image-filters/image-blur.ts";
import { ImageInvert } from "./image-filters/image-invert.ts";
import { ImageQuantize } from "./image-filters/image-quantize.ts";
import { ImageSharpen } from "./image-filters/image-sharpen.ts";
import { Morphology } from "./image-filters/morphology.ts";

export const IMAGE_FILTER_NODES: readonly NodeClass[] = [
  ImageInvert,
  ImageBlur,
  ImageSharpen,
  ImageQuantize,
  ImageAddNoise,
  Canny,
  Morphology,
];
