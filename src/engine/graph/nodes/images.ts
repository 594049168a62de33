/** Lists the classes that make pictures and put several together. */
import type { NodeClass } from "../node-class.ts";
import { EmptyImage } from "./images/empty-image.ts";
import { ImageBatch } from "./images/image-batch.ts";
import { ImageBlend } from "./images/image-blend.ts";
import { ImageCompositeMasked } from "./images/image-composite-masked.ts";
import { ImageFromBatch } from "./images/image-from-batch.ts";
import { ImageStitch } from "./images/image-stitch.ts";
import { JoinImageWithAlpha } from "./images/join-image-with-alpha.ts";
import { RepeatImageBatch } from "./images/repeat-image-batch.ts";
import { SplitImageWithAlpha } from "./images/split-image-with-alpha.ts";

export const IMAGE_NODES: readonly NodeClass[] = [
  EmptyImage,
  ImageBatch,
  ImageBlend,
  ImageCompositeMasked,
  ImageFromBatch,
  ImageStitch,
  JoinImageWithAlpha,
  RepeatImageBatch,
  SplitImageWithAlpha,
];
