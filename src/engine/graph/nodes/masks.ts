/** Lists the classes that make and change masks. */
import type { NodeClass } from "../node-class.ts";
import { CropMask } from "./masks/crop-mask.ts";
import { FeatherMask } from "./masks/feather-mask.ts";
import { GrowMask } from "./masks/grow-mask.ts";
import { ImageColorToMask } from "./masks/image-color-to-mask.ts";
import { ImageToMask } from "./masks/image-to-mask.ts";
import { InvertMask } from "./masks/invert-mask.ts";
import { MaskComposite } from "./masks/mask-composite.ts";
import { MaskToImage } from "./masks/mask-to-image.ts";
import { SolidMask } from "./masks/solid-mask.ts";
import { ThresholdMask } from "./masks/threshold-mask.ts";

export const MASK_NODES: readonly NodeClass[] = [
  CropMask,
  FeatherMask,
  GrowMask,
  ImageColorToMask,
  ImageToMask,
  InvertMask,
  MaskComposite,
  MaskToImage,
  SolidMask,
  ThresholdMask,
];
