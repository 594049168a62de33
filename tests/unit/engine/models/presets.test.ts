import { expect, test } from "bun:test";
import { presetsOf } from "../../../../src/engine/models/presets.ts";
import type { ModelParam } from "../../../../src/engine/protocol/models.ts";

const PARAMS: readonly ModelParam[] = [
  { type: "number", name: "gain", description: "", default: 1, min: 0, max: 2, integer: false },
  { type: "switch", name: "flip", description: "", default: false },
  {
    type: "vector",
    name: "style",
    description: "",
    default: [1, 0, 0],
    min: 0,
    max: 1,
    entries: ["oil", "ink", "chalk"],
    blend: true,
  },
];

test("presets give values as they are, and the weights of named entries as full lists", () => {
  const presets = {
    night: { gain: 0.5, flip: true, style: { ink: 0.75, chalk: 0.25 } },
    day: { style: [0, 0, 1] },
    none: {},
  };
  expect(presetsOf(presets, PARAMS)).toEqual({
    night: { gain: 0.5, flip: true, style: [0, 0.75, 0.25] },
    day: { style: [0, 0, 1] },
    none: {},
  });
});

test("weights by name are for vectors alone", () => {
  for (const value of [{}, { value: 0.3 }])
    expect(() => presetsOf({ soft: { gain: value } }, PARAMS)).toThrow(
      "model.json: presets.soft.gain is an object; gain takes a number",
    );
});

test("an entry may have any name", () => {
  const names = ["constructor", "__proto__", "oil"];
  const params = PARAMS.map((one) => (one.type === "vector" ? { ...one, entries: names } : one));
  expect(presetsOf({ day: { style: { oil: 0.5 } } }, params)).toEqual({
    day: { style: [0, 0, 0.5] },
  });
});

test("a parameter and an entry that the model does not have are named", () => {
  expect(() => presetsOf({ night: { gian: 1 } }, PARAMS)).toThrow(
    "model.json: presets.night.gian is not a parameter of the model; its parameters: gain, flip, style",
  );
  expect(() => presetsOf({ night: { gain: 1 } }, [])).toThrow("its parameters: none");
  expect(() => presetsOf({ night: { style: { inc: 1 } } }, PARAMS)).toThrow(
    'model.json: presets.night.style names the entry "inc", which style does not have',
  );
});
