/** Tests which preset the playground shows as in use. */
import { expect, test } from "bun:test";
import { matchesPreset } from "../../../src/playground/param-values.ts";
import { MODEL_GALLERY } from "../../support/model-gallery.ts";

const painter = MODEL_GALLERY.find(({ name }) => name === "painter");
if (painter === undefined) throw new Error("the gallery has no painter");
const { Night = {}, Sea = {} } = painter.presets;

test("a preset is in use while all its values are, whatever the others are", () => {
  expect(matchesPreset(painter, Night, { ...Night, seed: 7 })).toBe(true);
  expect(matchesPreset(painter, Night, { ...Night, strength: 0.6 })).toBe(false);
  expect(matchesPreset(painter, Night, {})).toBe(false);
  expect(matchesPreset(painter, { strength: 1 }, {})).toBe(true); // the default
});

test("a blend is the same when its weights are in proportion", () => {
  expect(matchesPreset(painter, Sea, { style: [0, 1, 0, 0, 0, 3] })).toBe(true);
  expect(matchesPreset(painter, Sea, { style: [0, 1, 0, 0, 0, 2] })).toBe(false);
});
