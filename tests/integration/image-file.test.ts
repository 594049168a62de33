/** Picture files of every kind through FFmpeg: whole or refused, in the right colours, within the limits. */
import { describe, expect, test } from "bun:test";
import { decodeImage } from "../../src/engine/codec/image-file.ts";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { WorkerError } from "../../src/errors.ts";
import {
  BLUE,
  GREEN,
  jpegFile,
  planarRgb,
  pngFile,
  type Quarters,
  quarters,
  quartersOf,
  RED,
  WHITE,
  webpFile,
} from "../support/image-files.ts";
import { noisePicture } from "../support/onnx-workspace.ts";
import {
  buildPng,
  GRAY,
  GRAY_ALPHA,
  PALETTE,
  pngChunk,
  RGB_ALPHA,
  RGB_COLOUR,
} from "../support/png-builder.ts";

quietLibav();

/** 16 × 16 in four quarters (red, green, blue, white), made with Pillow: FFmpeg writes neither kind. */
const CMYK_JPEG = Uint8Array.fromBase64(
  "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAIBgYHBgUIBwcHCQkICgwUDQwLCwwZEhMPFB0aHx4dGhwcICQuJyAiLCMcHCg3KSwwMTQ0NB8nOT04MjwuMzQy/8AAFAgAEAAQBEMRAE0RAFkRAEsRAP/EABcAAQEBAQAAAAAAAAAAAAAAAAgABwX/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oADgRDAE0AWQBLAAA/AN/ZszZtYbmQkg3MhGQZCdR//9k=",
);
const PROGRESSIVE_JPEG = Uint8Array.fromBase64(
  "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgyPC4zNDL/2wBDAQkJCQwLDBgNDRgyIRwhMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjL/wgARCAAQABADAREAAhEBAxEB/8QAFwAAAwEAAAAAAAAAAAAAAAAABAUGB//EABgBAAMBAQAAAAAAAAAAAAAAAAQGBwMF/9oADAMBAAIQAxAAAAEQFpdBTSUonb1tW3//xAAUEAEAAAAAAAAAAAAAAAAAAAAg/9oACAEBAAEFAh//xAAUEQEAAAAAAAAAAAAAAAAAAAAg/9oACAEDAQE/AR//xAAUEQEAAAAAAAAAAAAAAAAAAAAg/9oACAECAQE/AR//xAAUEAEAAAAAAAAAAAAAAAAAAAAg/9oACAEBAAY/Ah//xAAUEAEAAAAAAAAAAAAAAAAAAAAg/9oACAEBAAE/IR//2gAMAwEAAgADAAAAEBDP/8QAFBEBAAAAAAAAAAAAAAAAAAAAIP/aAAgBAwEBPxAf/8QAFBEBAAAAAAAAAAAAAAAAAAAAIP/aAAgBAgEBPxAf/8QAFBABAAAAAAAAAAAAAAAAAAAAIP/aAAgBAQABPxAf/9k=",
);
const COLOURS: Quarters = [RED, GREEN, BLUE, WHITE];

/** The picture's size and its quarters; the frame is freed. */
async function decoded(file: Uint8Array) {
  const picture = await planarRgb(file);
  const { width, height } = picture;
  return { width, height, quarters: quartersOf(picture) };
}

/** Why a file is refused; null where it is decoded. Anything but a WorkerError is thrown. */
async function refusal(file: Uint8Array): Promise<WorkerError | null> {
  try {
    (await decodeImage(file)).free();
    return null;
  } catch (error) {
    if (error instanceof WorkerError) return error;
    throw error;
  }
}

function expectColours(
  found: Quarters,
  expected: readonly (readonly number[])[],
  tolerance: number,
): void {
  for (const [at, colour] of expected.entries())
    for (const [channel, value] of colour.entries())
      expect(Math.abs((found[at]?.[channel] ?? -1) - value)).toBeLessThanOrEqual(tolerance);
}

describe("a file is decoded whole or refused", () => {
  const noise = noisePicture(120, 88);
  const KINDS: [string, () => Promise<Uint8Array>][] = [
    ["PNG", () => pngFile(noise)],
    ["JPEG", () => jpegFile(noise)],
    ["progressive JPEG", async () => PROGRESSIVE_JPEG],
    ["CMYK JPEG", async () => CMYK_JPEG],
    ["JPEG of flat colours", () => jpegFile(quarters(160, 96, COLOURS))],
    ["lossy WebP", () => webpFile(noise, "lossy")],
    ["lossless WebP", () => webpFile(noise, "lossless")],
  ];

  test.each(KINDS)("%s, cut anywhere", async (_, make) => {
    const file = await make();
    expect(await refusal(file)).toBeNull();
    const cuts = Array.from({ length: 24 }, (_, n) => Math.floor((file.length * n) / 24));
    for (let missing = 1; missing < 100; missing++) cuts.push(file.length - missing);
    for (const cut of cuts) {
      const error = await refusal(file.subarray(0, cut));
      expect([cut, error?.kind]).toEqual([cut, "unsupported_media"]);
      expect(error?.details[0]?.field).toBe("image");
    }
  });

  test.each(KINDS)("%s with bytes after its end passes", async (_, make) => {
    const file = await make();
    for (const extra of [1, 2, 333]) {
      expect(await refusal(Buffer.concat([file, Buffer.alloc(extra, 0xd9)]))).toBeNull();
    }
  });

  test("a JPEG that lost its end is refused, also where its thumbnail has one", async () => {
    const file = await jpegFile(noise);
    const thumbnail = [0xff, 0xd8, 0xff, 0xd9];
    const segment = Uint8Array.of(0xff, 0xe1, 0, thumbnail.length + 2, ...thumbnail);
    const photo = Buffer.concat([file.subarray(0, 2), segment, file.subarray(2)]);
    expect(await refusal(photo)).toBeNull();
    const error = await refusal(photo.subarray(0, photo.length - 2));
    expect(error?.message).toContain("is an incomplete JPEG");
  });

  test("a PNG with a flipped bit or without its end is refused", async () => {
    const file = Buffer.from(await pngFile(noise));
    expect((await refusal(file.subarray(0, file.length - 12)))?.message).toContain(
      "is an incomplete",
    );
    for (const at of [20, 60, 5000, file.length - 18]) {
      const flipped = Buffer.from(file);
      flipped[at] = (flipped[at] ?? 0) ^ 4;
      expect([at, (await refusal(flipped))?.kind]).toEqual([at, "unsupported_media"]);
    }
  });

  test.each([-1000, -2, 2, 100_000])("a WebP whose size is off by %i is refused", async (off) => {
    for (const kind of ["lossy", "lossless"] as const) {
      const file = Buffer.from(await webpFile(noise, kind));
      file.writeUInt32LE(file.readUInt32LE(4) + off, 4);
      expect((await refusal(file))?.message).toContain("is an incomplete WebP");
    }
  });

  test("other files and animations are named", async () => {
    const still = buildPng({ width: 1, height: 1, rows: [[1, 2, 3]] });
    const control = pngChunk("acTL", Buffer.alloc(8));
    const animatedPng = Buffer.concat([still.subarray(0, 33), control, still.subarray(33)]);
    const webpOf = (chunks: string) => {
      const size = Buffer.alloc(4);
      size.writeUInt32LE(4 + chunks.length);
      return Buffer.concat([Buffer.from("RIFF"), size, Buffer.from(`WEBP${chunks}`, "latin1")]);
    };
    const animatedWebp = webpOf(`VP8X\x0a\0\0\0${"\0".repeat(10)}ANIM\x06\0\0\0${"\0".repeat(6)}`);
    for (const [file, problem] of [
      [Buffer.alloc(0), "is not a PNG, JPEG or WebP"],
      [Buffer.from("GIF89a\x01\0\x01\0"), "is not a PNG, JPEG or WebP"],
      [Buffer.from("RIFF\0\0\0\0WAVEfmt "), "is not a PNG, JPEG or WebP"],
      [animatedPng, "is an animated PNG: send a still picture"],
      [animatedWebp, "is an animated WebP: send a still picture"],
    ] as const) {
      expect(await refusal(file)).toMatchObject({
        kind: "unsupported_media",
        message: expect.stringContaining(`image ${problem}`),
      });
    }
  });

  test("any bytes after a known beginning give a picture or a refusal, no other error", async () => {
    const files = [await pngFile(noise), await jpegFile(noise), await webpFile(noise, "lossy")];
    let state = 1;
    const random = (below: number) => {
      state = (state * 1103515245 + 12345) % 2 ** 31;
      return (state >> 8) % below;
    };
    for (let n = 0; n < 400; n++) {
      const file = Buffer.from(files[n % files.length] ?? []);
      for (let hits = 0; hits < 4; hits++) file[3 + random(300)] = random(256);
      await refusal(file);
    }
  });
});

describe("too large", () => {
  /** A black picture of one bit a pixel, of which so many rows are there. */
  const black = (width: number, height: number, rows = height) => {
    const row = new Array<number>(Math.ceil(width / 8)).fill(0);
    const parts = { width, height, depth: 1, colourType: GRAY };
    return buildPng({ ...parts, rows: Array.from({ length: rows }, () => row) });
  };

  test("a bomb is refused by its header, without its memory", async () => {
    const bombs = [black(16_000, 16_000), black(30_000, 30_000), black(20_000, 2_000_000, 9)];
    const before = process.memoryUsage.rss();
    for (const file of bombs) {
      const error = await refusal(file);
      expect(error?.message).toMatch(
        /image is (too large|.* or far too large): send at most 16777216 pixels/,
      );
      expect(error?.details[0]?.field).toBe("image");
    }
    expect(process.memoryUsage.rss() - before).toBeLessThan(50e6); // decoded, the second takes 112 MB
  });

  test("4096 x 4096 and the longest sides pass, one more is refused with the size", async () => {
    expect(await refusal(black(4096, 4096))).toBeNull();
    expect(await refusal(black(16_384, 1024))).toBeNull();
    for (const [width, height] of [
      [4097, 4096],
      [16_385, 10],
      [10, 16_385],
    ] as const) {
      const error = await refusal(black(width, height));
      expect(error).toMatchObject({ kind: "invalid_request", details: [{ field: "image" }] });
      expect(error?.message).toContain(`is ${width}x${height}: send at most 16777216 pixels`);
    }
  });

  test("JPEG and WebP of more than 16,384 a side are refused by their headers", async () => {
    // FFmpeg calls a file damaged that has too few bytes for its size.
    const small = await jpegFile(quarters(64, 64, COLOURS));
    const jpeg = Buffer.concat([small, Buffer.alloc(100_000)]);
    const frame = jpeg.indexOf(Uint8Array.of(0xff, 0xc0));
    jpeg.writeUInt16BE(1200, frame + 5);
    jpeg.writeUInt16BE(16_400, frame + 7);
    const webp = Buffer.from(await webpFile(quarters(64, 64, COLOURS), "lossy"));
    webp.writeUInt16LE(16_383, 26);
    webp.writeUInt16LE(16_383, 28);
    for (const file of [jpeg, webp]) {
      expect(await refusal(file)).toMatchObject({ kind: "invalid_request" });
    }
  });
});

describe("colours", () => {
  const row = (left: readonly number[], right: readonly number[]): number[] => [
    ...[0, 1, 2, 3].flatMap(() => left),
    ...[0, 1, 2, 3].flatMap(() => right),
  ];
  /** 8 × 8 in four quarters of these sample values. */
  const four = (colours: readonly (readonly number[])[]) => ({
    width: 8,
    height: 8,
    rows: Array.from({ length: 8 }, (_, y) => {
      const [left = [], right = []] = y < 4 ? colours : colours.slice(2);
      return row(left, right);
    }),
  });
  const gray = (value: number) => [value, value, value] as const;

  test("CMYK and progressive JPEGs", async () => {
    const expected: Quarters = [[235, 51, 51], [51, 235, 51], [51, 51, 235], gray(255)];
    for (const file of [CMYK_JPEG, PROGRESSIVE_JPEG]) {
      expectColours((await decoded(file)).quarters, expected, 6);
    }
  });

  test("16 bits a sample keep their upper eight", async () => {
    const deep = (value: number) => [value, 0x80];
    const rgb = COLOURS.map((colour) => colour.flatMap(deep));
    const file = buildPng({ ...four(rgb), depth: 16, colourType: RGB_COLOUR });
    expectColours((await decoded(file)).quarters, COLOURS, 1);
    const values = [0, 100, 200, 255];
    const grays = buildPng({ ...four(values.map(deep)), depth: 16, colourType: GRAY });
    expectColours((await decoded(grays)).quarters, values.map(gray), 1);
  });

  test("transparency is blended with white, whatever colour lies under it", async () => {
    const alphas = [255, 0, 128, 51];
    const blend = (value: number, alpha: number): number =>
      Math.round((value * alpha + 255 * (255 - alpha)) / 255);
    const blended = (colours: readonly (readonly number[])[]): readonly number[][] =>
      colours.map((colour, at) => colour.map((value) => blend(value, alphas[at] ?? 255)));
    const rgba = COLOURS.map((colour, at) => [...colour, alphas[at] ?? 255]);
    const rgb = buildPng({ ...four(rgba), colourType: RGB_ALPHA });
    expectColours((await decoded(rgb)).quarters, blended(COLOURS), 1);

    const grays = [10, 90, 170, 250];
    const grayAlpha = grays.map((value, at) => [value, alphas[at] ?? 255]);
    const grayFile = buildPng({ ...four(grayAlpha), colourType: GRAY_ALPHA });
    expectColours((await decoded(grayFile)).quarters, blended(grays.map(gray)), 1);

    const palette = buildPng({
      ...four([[0], [1], [2], [3]]),
      colourType: PALETTE,
      chunks: [
        ["PLTE", COLOURS.flat()],
        ["tRNS", alphas],
      ],
    });
    expectColours((await decoded(palette)).quarters, blended(COLOURS), 1);

    const key = buildPng({
      ...four(COLOURS),
      chunks: [["tRNS", RED.flatMap((value) => [0, value])]],
    });
    expectColours((await decoded(key)).quarters, [gray(255), GREEN, BLUE, WHITE], 0);
  });

  test("opaque pictures lose nothing, whatever their pixel format", async () => {
    const opaque = COLOURS.map((colour) => [...colour, 255]);
    for (const file of [
      buildPng({ ...four(opaque), colourType: RGB_ALPHA }),
      buildPng({
        ...four([[0], [1], [2], [3]]),
        colourType: PALETTE,
        chunks: [["PLTE", COLOURS.flat()]],
      }),
      await webpFile(quarters(8, 8, COLOURS), "lossless"),
    ]) {
      expectColours((await decoded(file)).quarters, COLOURS, 0);
    }
  });

  test("a transparent picture that lies on its side stands upright", async () => {
    // EXIF orientation 6 in a PNG: a big-endian TIFF with one entry.
    const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0];
    const rgba = COLOURS.map((colour) => [...colour, 255]);
    const file = buildPng({
      ...four(rgba),
      colourType: RGB_ALPHA,
      chunks: [["eXIf", [...tiff, 0, 0, 0, 0]]],
    });
    expectColours((await decoded(file)).quarters, [BLUE, RED, WHITE, GREEN], 0);
  });
});
