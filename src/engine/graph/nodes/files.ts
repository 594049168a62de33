/** Lists the classes that read and write files. */
import type { NodeClass } from "../node-class.ts";
import { LoadImage } from "./files/load-image.ts";
import { LoadImageMask } from "./files/load-image-mask.ts";
import { LoadImageOutput } from "./files/load-image-output.ts";
import { LoadLatent } from "./files/load-latent.ts";
import { PreviewImage } from "./files/preview-image.ts";
import { SaveImage } from "./files/save-image.ts";
import { SaveLatent } from "./files/save-latent.ts";

export const FILE_NODES: readonly NodeClass[] = [
  LoadImage,
  LoadImageMask,
  LoadImageOutput,
  LoadLatent,
  SaveImage,
  PreviewImage,
  SaveLatent,
];
