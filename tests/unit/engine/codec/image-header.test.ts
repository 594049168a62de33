import { describe, expect, test } from "bun:test";
import { readImageHeader } from "../../../../src/engine/codec/image-header.ts";
import { WorkerError } from "../../../../src/errors.ts";

const latin = (text: string): Buffer => Buffer.from(text, "latin1");
const u16 = (...values: number[]): Buffer =>
  Buffer.from(values.flatMap((value) => [value >> 8, value & 255]));
const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer).swap32();

const png = (width: number, height: number): Buffer =>
  Buffer.concat([latin("\x89PNG\r\n\x1a\n"), u32(13), latin("IHDR"), u32(width), u32(height)]);

/** Application data, a quantisation and a Huffman table may come before the frame header. */
const jpeg = (width: number, height: number, frame = 0xc0): Buffer =>
  Buffer.concat([
    ...[latin("\xff\xd8\xff\xe0"), u16(6), latin("JFIF")],
    ...[latin("\xff\xff\xff\xdb"), u16(4, 0xffc0)],
    ...[latin("\xff\xc4"), u16(3), latin("\0")],
    ...[Buffer.of(0xff, frame), u16(17), latin("\x08"), u16(height, width), latin("\x03")],
  ]);

const webp = (chunk: string, payload: readonly number[]): Buffer =>
  Buffer.concat([latin("RIFF\0\0\0\0WEBP"), latin(chunk), Buffer.alloc(4), Buffer.of(...payload)]);
const lossy = webp("VP8 ", [0, 0, 0, 0x9d, 1, 0x2a, 0x40, 0x41, 0xc9, 0x80]);
/** 14 bits each, less one: 321 x 201. */
const lossless = webp("VP8L", [0x2f, 0x40, 0x01, 0x32, 0, 0, 0, 0, 0, 0]);
const extended = (flags: number) => webp("VP8X", [flags, 0, 0, 0, 0x40, 1, 0, 0xc8, 0, 0]);

test.each([
  ["PNG", png(321, 201), { type: "png", width: 321, height: 201 }],
  ["baseline JPEG", jpeg(321, 201), { type: "jpeg", width: 321, height: 201 }],
  ["progressive JPEG", jpeg(321, 201, 0xc2), { type: "jpeg", width: 321, height: 201 }],
  ["lossy WebP", lossy, { type: "webp", width: 320, height: 201 }],
  ["lossless WebP", lossless, { type: "webp", width: 321, height: 201 }],
  ["extended WebP", extended(0), { type: "webp", width: 321, height: 201 }],
] as const)("the size of a %s is in its header", (_, file, header) => {
  expect(readImageHeader(file)).toEqual(header);
});

describe("refused, naming the field", () => {
  test.each([
    ["nothing", Buffer.alloc(0), "neither"],
    ["a GIF", latin("GIF89a\x01\0\x01\0"), "neither"],
    ["a WAV", latin("RIFF\0\0\0\0WAVEfmt "), "neither"],
    ["a PNG cut in its header", png(1, 1).subarray(0, 20), "damaged png"],
    ["a PNG without width", png(0, 5), "damaged png"],
    ["a JPEG without a frame", jpeg(1, 1).subarray(0, 24), "damaged jpeg"],
    ["a JPEG that begins its scan", latin("\xff\xd8\xff\xda\0\x08123456789"), "damaged jpeg"],
    ["a WebP of an unknown chunk", webp("ALPH", Array(20).fill(0)), "damaged webp"],
    ["an animated WebP", extended(0x02), "animated"],
  ])("%s", (_, file, says) => {
    const error = refusal(file);
    expect(error?.kind).toBe("unsupported_media");
    expect(error?.message).toContain(says);
    expect(error?.details[0]?.field).toBe("image");
  });

  test("more pixels than 4096 x 4096, told with the size", () => {
    for (const file of [png(4097, 4096), png(0xffffffff, 0xffffffff), jpeg(65_535, 65_535)]) {
      expect(refusal(file)).toMatchObject({
        kind: "invalid_request",
        details: [{ field: "image" }],
      });
    }
    expect(refusal(png(4097, 4096))?.message).toContain("4097x4096");
    expect(refusal(png(16_385, 10))?.kind).toBe("invalid_request");
    expect(refusal(png(4096, 4096))).toBeNull();
  });

  test("any bytes after a known beginning, never with another error", () => {
    let state = 1;
    const random = () => {
      state = (state * 1103515245 + 12345) % 2 ** 31;
      return state >> 16;
    };
    for (let n = 0; n < 3000; n++) {
      const file = Buffer.from([png(9, 9), jpeg(9, 9), lossy, extended(0)][n % 4] ?? "");
      for (let hits = 0; hits < 4; hits++) file[3 + (random() % (file.length - 3))] = random();
      refusal(file.subarray(0, 3 + (random() % file.length)));
    }
  });
});

function refusal(file: Uint8Array): WorkerError | null {
  try {
    readImageHeader(file);
    return null;
  } catch (error) {
    if (error instanceof WorkerError) return error;
    throw error;
  }
}
