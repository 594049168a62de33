/** Pictures as data URIs, the form in which JSON carries them: reads their bytes, and tells PNG, JPEG and WebP files apart. */

const FORMATS = ["png", "jpeg", "webp"] as const;
export type PictureFormat = (typeof FORMATS)[number];

/** The beginning of a base64 data URI that claims to be a picture. */
const HEADER = /^data:image\/(?:png|jpeg|jpg|webp)(?:;[\w.+-]+=[\w.+-]*)*;base64,/i;
/** Characters in which the comma of a data URI must come. */
const MAX_HEADER_CHARACTERS = 200;

/** The bytes of a data URI, or what is wrong with it in words that follow a field's name. */
export type PictureUriReading = { readonly bytes: Uint8Array } | { readonly problem: string };

/** Reads a base64 data URI of a picture. The type that it declares need not be what the bytes are: see `pictureFormat`. */
export function readPictureUri(uri: string): PictureUriReading {
  const [header] = HEADER.exec(uri.slice(0, MAX_HEADER_CHARACTERS)) ?? [];
  if (header === undefined) {
    const shown = JSON.stringify(uri.slice(0, 40));
    return {
      problem: `must be a data URI: data:image/png;base64,… (or jpeg, or webp), got ${shown}`,
    };
  }
  try {
    return { bytes: Uint8Array.fromBase64(uri.slice(header.length)) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { problem: "must hold base64 after the comma" };
  }
}

/** The beginning of the data URIs that `pictureUri` writes, up to the comma. */
export const pictureUriHeader = (format: PictureFormat): string => `data:image/${format};base64,`;

/** A picture file as a data URI. */
export const pictureUri = (file: Uint8Array, format: PictureFormat): string =>
  pictureUriHeader(format) + file.toBase64();

/** The format of a data URI that `pictureUri` wrote, by its beginning; null for any other value. */
export const pictureUriFormat = (value: unknown): PictureFormat | null =>
  (typeof value === "string" &&
    FORMATS.find((format) => value.startsWith(pictureUriHeader(format)))) ||
  null;

/** Bytes of the file in a data URI that `pictureUri` wrote. */
export function pictureUriBytes(uri: string): number {
  const digits = uri.length - (uri.indexOf(",") + 1);
  const padding = uri.endsWith("==") ? 2 : uri.endsWith("=") ? 1 : 0;
  return (digits / 4) * 3 - padding;
}

/** The format of a file by its first bytes; null where it is none of the three. */
export function pictureFormat(file: Uint8Array): PictureFormat | null {
  const start = Buffer.from(file.buffer, file.byteOffset, Math.min(file.byteLength, 12));
  if (start.subarray(0, 8).equals(PNG_SIGNATURE)) return "png";
  if (start[0] === 0xff && start[1] === 0xd8 && start[2] === 0xff) return "jpeg";
  const isRiff = start.toString("latin1", 0, 4) === "RIFF";
  return isRiff && start.toString("latin1", 8, 12) === "WEBP" ? "webp" : null;
}

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
