/** Lists the classes that make, change and decode latents. */
import type { NodeClass } from "../node-class.ts";
import { EmptyLatentImage } from "./latents/empty-latent-image.ts";
import { LatentAdd } from "./latents/latent-add.ts";
import { LatentBatch } from "./latents/latent-batch.ts";
import { LatentBlend } from "./latents/latent-blend.ts";
import { LatentComposite } from "./latents/latent-composite.ts";
import { LatentCompositeMasked } from "./latents/latent-composite-masked.ts";
import { LatentCrop } from "./latents/latent-crop.ts";
import { LatentFlip } from "./latents/latent-flip.ts";
import { LatentFromBatch } from "./latents/latent-from-batch.ts";
import { LatentInterpolate } from "./latents/latent-interpolate.ts";
import { LatentMultiply } from "./latents/latent-multiply.ts";
import { LatentRotate } from "./latents/latent-rotate.ts";
import { LatentSubtract } from "./latents/latent-subtract.ts";
import { LatentUpscale } from "./latents/latent-upscale.ts";
import { LatentUpscaleBy } from "./latents/latent-upscale-by.ts";
import { RepeatLatentBatch } from "./latents/repeat-latent-batch.ts";
import { SetLatentNoiseMask } from "./latents/set-latent-noise-mask.ts";
import { VAEDecode } from "./latents/vae-decode.ts";
import { VAEEncode } from "./latents/vae-encode.ts";
import { VAEEncodeForInpaint } from "./latents/vae-encode-for-inpaint.ts";

export const LATENT_NODES: readonly NodeClass[] = [
  EmptyLatentImage,
  LatentAdd,
  LatentBatch,
  LatentBlend,
  LatentComposite,
  LatentCompositeMasked,
  LatentCrop,
  LatentFlip,
  LatentFromBatch,
  LatentInterpolate,
  LatentMultiply,
  LatentRotate,
  LatentSubtract,
  LatentUpscale,
  LatentUpscaleBy,
  RepeatLatentBatch,
  SetLatentNoiseMask,
  VAEDecode,
  VAEEncode,
  VAEEncodeForInpaint,
];
