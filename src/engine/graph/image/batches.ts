/** Makes batches of pictures equally long. */
import type { ImageValue } from "./graph-value.ts";
import { BATCH, type ImageMath } from "./image-math.ts";

/** A batch of `batch` pictures: the pictures in turn, or those beyond dropped. */
export function repeatedTo(math: ImageMath, image: ImageValue, batch: number): ImageValue {
  if (image.batch === batch) return image;
  const indices = Array.from({ length: batch }, (_, index) => index % image.batch);
  return math.image(math.gather(image.value, BATCH, indices), image, { batch });
}
