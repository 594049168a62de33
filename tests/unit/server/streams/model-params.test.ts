import { expect, test } from "bun:test";
import type { ModelInfo } from "../../../../src/engine/protocol/models.ts";
import { shownValue } from "../../../../src/engine/protocol/param-value.ts";
import { pictureUri } from "../../../../src/engine/protocol/picture-uri.ts";
import { type GivenParams, modelParams } from "../../../../src/server/streams/model-params.ts";

const common = { description: "" };
const model: ModelInfo = {
  name: "painter",
  description: "",
  source: "models/painter",
  state: "ready",
  license: "",
  takes_video: true,
  needs_video: true,
  takes_prompts: false,
  device: "cpu",
  params: [
    { type: "number", name: "strength", ...common, default: 1, min: 0, max: 2, integer: false },
    { type: "switch", name: "edges", ...common, default: false },
    {
      type: "vector",
      name: "style",
      ...common,
      default: [1, 0],
      min: 0,
      max: 1,
      entries: ["candy", "mosaic"],
      blend: true,
    },
    { type: "picture", name: "image", ...common },
    { type: "picture", name: "mask", ...common },
    { type: "picture", name: "back", ...common },
  ],
  presets: {
    bold: { strength: 2, style: "mosaic" },
    faint: { strength: 0.25 },
    broken: { strength: 9, unheard: 1 },
  },
  data: [],
};

const png = (bytes: number, first = 0) => {
  const file = new Uint8Array(bytes);
  file.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, first]);
  return pictureUri(file, "png");
};
const merge = (given: Partial<GivenParams>, current = {}) =>
  modelParams({ values: {}, ...given }, current, model);

test("a preset replaces what it names, and given values win over it", () => {
  const current = { strength: 1, edges: true, style: [1, 0] };
  expect(merge({ preset: "bold" }, current)).toEqual({ strength: 2, edges: true, style: [0, 1] });
  expect(merge({ preset: "bold", values: { strength: 0.5, style: null } }, current)).toEqual({
    strength: 0.5,
    edges: true,
  });
  expect(merge({ preset: "faint" }, merge({ preset: "bold" }))).toEqual({
    strength: 0.25,
    style: [0, 1],
  });
  expect(merge({ preset: null }, current)).toEqual(current);
});

test.each([
  ["wild", 'preset is unknown: "wild"; presets of model painter: bold, faint, broken'],
  ["toString", 'preset is unknown: "toString"; presets of model painter: bold, faint, broken'],
  ["broken", "preset broken cannot be used: strength must be a number from 0 to 2, got 9"],
])("the preset %s is refused", (preset, message) => {
  expect(() => merge({ preset })).toThrow(message);
});

test("every wrong value is named at once", () => {
  expect(() => merge({ values: { strength: 3, edges: "on", style: "cubism", image: 5 } })).toThrow(
    /^strength must .*; edges must .*; style must .*; image must /,
  );
});

test("null resets a value of any type", () => {
  const current = { strength: 1, edges: true, style: [1, 0], image: png(9) };
  const values = { strength: null, edges: null, style: null, image: null };
  expect(merge({ values }, current)).toEqual({});
});

test("a picture sent back as it was shown stays; another text is refused", () => {
  const current = { image: png(5000) };
  const shown = shownValue(current.image);
  expect(merge({ values: { image: shown } }, current)).toEqual(current);
  expect(() => merge({ values: { image: shown } })).toThrow("image must hold base64");
});

test("a stream's pictures may have 8 MiB in all", () => {
  const four = 4 * 1024 * 1024;
  const current = merge({ values: { image: png(four), mask: png(four) } });
  expect(current).toHaveProperty("mask");
  expect(() => merge({ values: { back: png(9) } }, current)).toThrow(
    "back is too large: the pictures of a stream may have 8388608 bytes in all, got 8388617",
  );
  expect(merge({ values: { back: png(9), mask: null } }, current)).toHaveProperty("back");
});
