/** Lists the classes that change the size, the place or the direction of pictures. */
import type { NodeClass } from "../node-class.ts";
import { GetImageSize } from "./image-sizes/get-image-size.ts";
import { ImageCrop } from "./image-sizes/image-crop.ts";
import { ImageFlip } from "./image-sizes/image-flip.ts";
import { ImagePadForOutpaint } from "./image-sizes/image-pad-for-outpaint.ts";
import { ImageRotate } from "./image-sizes/image-rotate.ts";
import { ImageScale } from "./image-sizes/image-scale.ts";
import { ImageScaleBy } from "./image-sizes/image-scale-by.ts";
import { ImageScaleToMaxDimension } from "./image-sizes/image-scale-to-max-dimension.ts";
import { ImageScaleToTotalPixels } from "./image-sizes/image-scale-to-total-pixels.ts";
import { ResizeAndPadImage } from "./image-sizes/resize-and-pad-image.ts";

export const IMAGE_SIZE_NODES: readonly NodeClass[] = [
  ImageScale,
  ImageScaleBy,
  ImageScaleToMaxDimension,
  ImageScaleToTotalPixels,
  ResizeAndPadImage,
  ImageCrop,
  ImagePadForOutpaint,
  ImageRotate,
  ImageFlip,
  GetImageSize,
];
