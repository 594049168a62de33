import { expect, test } from "bun:test";
import {
  pictureFormat,
  pictureUri,
  pictureUriBytes,
  pictureUriFormat,
  readPictureUri,
} from "../../../../src/engine/protocol/picture-uri.ts";

test.each([0, 1, 2, 3, 4, 5])("a file of %d bytes comes back from its data URI", (length) => {
  const file = Uint8Array.from({ length }, (_, n) => 250 + n);
  const uri = pictureUri(file, "webp");
  expect(readPictureUri(uri)).toEqual({ bytes: file });
  expect(pictureUriBytes(uri)).toBe(length);
  expect(pictureUriFormat(uri)).toBe("webp");
});

test.each([["data:image/gif;base64,AA=="], ["data:image/png,x"], ["candy"], [5], [null]])(
  "%j is not one of ours",
  (value) => {
    expect(pictureUriFormat(value)).toBeNull();
  },
);

test.each([
  [[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0], "png"],
  [[0xff, 0xd8, 0xff, 0xdb], "jpeg"],
  [[...Buffer.from("RIFF____WEBP")], "webp"],
  [[...Buffer.from("RIFF____WAVE")], null],
  [[...Buffer.from("GIF89a")], null],
  [[], null],
])("the format of %j is %j", (bytes, format) => {
  expect(pictureFormat(new Uint8Array(bytes))).toBe(format as "png");
});
