/** Turns a picture file into a data URI that the server takes. */

/** Larger pictures are scaled down to this many pixels on the longer side. */
const MAX_SIDE = 1024;
/** Characters of the data URI. */
const MAX_LENGTH = 1024 * 1024;
const JPEG_QUALITIES = [0.92, 0.8, 0.6, 0.4];

/** A PNG or JPEG of at most 1024 × 1024 pixels as a data URI below 1 MiB. Throws if the browser cannot read the file. */
export async function pictureDataUri(file: File): Promise<string> {
  const picture = await createImageBitmap(file).catch((cause: unknown) => {
    throw new Error(`${file.name} is not a picture that this browser can open`, { cause });
  });
  try {
    const scale = Math.min(1, MAX_SIDE / Math.max(picture.width, picture.height));
    if (file.type === "image/png" && scale === 1) {
      const whole = await dataUri(file);
      if (whole.length < MAX_LENGTH) return whole;
    }
    const side = (pixels: number) => Math.max(1, Math.round(pixels * scale));
    return await encoded(picture, side(picture.width), side(picture.height), file.type);
  } finally {
    picture.close();
  }
}

async function encoded(
  picture: ImageBitmap,
  width: number,
  height: number,
  from: string,
): Promise<string> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser has no canvas to scale the picture with");
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, width, height);
  // These may be transparent, which a JPEG cannot be.
  if (["image/png", "image/webp", "image/gif"].includes(from)) {
    const uri = await dataUri(await canvas.convertToBlob({ type: "image/png" }));
    if (uri.length < MAX_LENGTH) return uri;
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = "white";
    context.fillRect(0, 0, width, height);
  }
  for (const quality of JPEG_QUALITIES) {
    const uri = await dataUri(await canvas.convertToBlob({ type: "image/jpeg", quality }));
    if (uri.length < MAX_LENGTH) return uri;
  }
  throw new Error("the picture does not fit into 1 MiB");
}

function dataUri(blob: Blob): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const reader = new FileReader();
  reader.onload = () => resolve(String(reader.result));
  reader.onerror = () => reject(reader.error);
  reader.readAsDataURL(blob);
  return promise;
}
