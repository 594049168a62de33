/** Fuzzes the decoder of still pictures, in a process of its own: they are decoded, or refused in words. */
import fc from "fast-check";
import { jpegFile, pngFile, quarters, RED, webpFile } from "../../support/image-files.ts";
import {
  buildPng,
  GRAY,
  GRAY_ALPHA,
  PALETTE,
  RGB_ALPHA,
  RGB_COLOUR,
} from "../../support/png-builder.ts";
import { defineTarget } from "../fuzz.ts";
import { mutatedBytes } from "../mutated-bytes.ts";
import { FuzzChild } from "./child.ts";
import type { DecodeCase } from "./decode-child.ts";
import { DECODE_CHILD } from "./decoders.ts";

export const stillPictures = defineTarget<DecodeCase>({
  name: "pictures",
  inputs: "damaged PNG, JPEG and WebP files, and sizes that lie",
  found: [],
  open: async () => {
    const picture = quarters(24, 16, [RED, RED, RED, RED]);
    const files = await Promise.all([
      pngFile(picture),
      jpegFile(picture),
      jpegFile(picture, 6),
      webpFile(picture, "lossy"),
      webpFile(picture, "lossless"),
    ]);
    const child = new FuzzChild(DECODE_CHILD);
    return {
      inputs: fc
        .oneof({ weight: 4, arbitrary: mutatedBytes(files) }, lyingPngs)
        .map((file): DecodeCase => ({ kind: "picture", file })),
      check: (input) => child.run(input),
      pid: await child.start(),
      close: async () => await child[Symbol.asyncDispose](),
    };
  },
});

/** PNG files with right checksums whose header has nothing to do with their pixels. */
const side = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 0xffff_ffff }));
const lyingPngs: fc.Arbitrary<Uint8Array> = fc
  .record({
    width: side,
    height: side,
    depth: fc.constantFrom(0, 1, 2, 4, 8, 16, 255),
    colourType: fc.constantFrom(GRAY, RGB_COLOUR, PALETTE, GRAY_ALPHA, RGB_ALPHA, 7),
    chunks: fc.array(
      fc.tuple(
        fc.constantFrom("PLTE", "tRNS", "eXIf", "acTL"),
        fc.array(fc.nat(255), { maxLength: 800 }),
      ),
      { maxLength: 3 },
    ),
    rows: fc.array(fc.array(fc.nat(255), { maxLength: 60 }), { maxLength: 20 }),
  })
  .map((parts) => buildPng(parts));
