import { expect, test } from "bun:test";
import { reorderDepthOf } from "../../../src/media/reorder-depth.ts";

const sets = (...hex: readonly string[]): Uint8Array[] =>
  hex.map((each) => Uint8Array.from(Buffer.from(each, "hex")));

test("parameter sets of x264 and x265 say how deep the stream reorders", () => {
  expect(reorderDepthOf("h264", sets("67640028acd940780227e5c04400000fa40003a9803c60c658"))).toBe(
    2,
  );
  expect(
    reorderDepthOf(
      "hevc",
      sets("420101022000000300900000030000030078a00280802d1365959a4932bc05a020000003002000000641"),
    ),
  ).toBe(2);
});

test("sets that do not say it, codecs without reordering and damage count as none", () => {
  expect(reorderDepthOf("h264", sets("6742c01ed900a0"))).toBe(0);
  expect(reorderDepthOf("h264", sets("68cb83cb20"))).toBe(0);
  expect(reorderDepthOf("h264", [])).toBe(0);
  expect(reorderDepthOf("vp9", sets("82498342"))).toBe(0);
});
