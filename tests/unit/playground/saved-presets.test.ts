/** Tests what a preset that the user saves holds, and what is read of a browser's storage. */
import { beforeEach, expect, test } from "bun:test";
import { type Draft, FIRST_DRAFT } from "../../../src/playground/draft.ts";
import { promptsOf } from "../../../src/playground/prompts.ts";
import {
  deletePreset,
  isInUse,
  presetPatch,
  presetsIn,
  savedPresets,
  savePreset,
} from "../../../src/playground/saved-presets.ts";
import { MODEL_GALLERY } from "../../support/model-gallery.ts";

const stored = new Map<string, string>();
beforeEach(() => {
  stored.clear();
  Object.defineProperty(globalThis, "localStorage", {
    configurable: true,
    value: {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => stored.set(key, value),
    },
  });
});

const draft: Draft = {
  ...FIRST_DRAFT,
  model: "tiny-sd",
  prompts: { ...promptsOf("a sea"), negative: "boats" },
  values: { strength: 0.5, picture: "data:image/png;base64,… (3 kB)" },
};
const only = () => {
  const [preset, ...others] = savedPresets.value;
  if (preset === undefined || others.length > 0) throw new Error("there is one preset");
  return preset;
};

test("a preset holds the prompts and values of a model, and brings them back", () => {
  savePreset("Calm", draft, null);
  const patch = presetPatch(only());
  expect(patch).toEqual({ prompts: draft.prompts, values: { strength: 0.5 }, preset: null });
  const back = { ...FIRST_DRAFT, model: "tiny-sd", ...patch };
  expect(isInUse(only(), back)).toBe(true);
  expect(isInUse(only(), { ...back, values: { strength: 0.6 } })).toBe(false);
  expect(isInUse(only(), { ...back, values: { ...back.values, steps: 2 } })).toBe(false);
  expect(isInUse(only(), { ...back, prompts: promptsOf("a sea") })).toBe(false);
});

test("a graph is saved as its text, and is no preset of another model", () => {
  const graph = '{"1": {"class_type": "EmptyImage"}}';
  savePreset("Mine", { ...draft, model: "comfyui", graph }, null);
  expect(only()).toEqual({ name: "Mine", model: "comfyui", settings: { graph } });
  expect(presetPatch(only())).toEqual({ graph });
});

test("a model that takes no prompts has presets without them", () => {
  const painter = MODEL_GALLERY.find(({ name }) => name === "painter") ?? null;
  savePreset("Soft", { ...draft, model: "painter" }, painter);
  expect(presetPatch(only())).toEqual({ values: { strength: 0.5 }, preset: null });
  expect(isInUse(only(), { ...FIRST_DRAFT, values: { strength: 0.5 } })).toBe(true);
  expect(presetsIn(stored.get("presets") ?? null)).toHaveLength(1);
});

test("a name is used once for each model, and what was saved is in the browser until it is deleted", () => {
  savePreset("Calm", draft, null);
  savePreset("Calm", { ...draft, model: "dreamscape" }, null);
  savePreset("Calm", { ...draft, values: { strength: 1 } }, null);
  expect(savedPresets.value.map(({ model }) => model)).toEqual(["dreamscape", "tiny-sd"]);
  expect(presetsIn(stored.get("presets") ?? null)).toEqual([...savedPresets.value]);
  for (const preset of savedPresets.value) deletePreset(preset);
  expect(savedPresets.value).toEqual([]);
  expect(stored.get("presets")).toBe("[]");
});

test("what is not a list of presets is left out", () => {
  const good = { name: "a", model: "comfyui", settings: { graph: "{}" } };
  const bad = [5, null, {}, { name: "a" }, { ...good, settings: {} }, { ...good, name: 1 }];
  expect(presetsIn(JSON.stringify([...bad, good]))).toEqual([good]);
  for (const text of [null, "", "{", "5", "{}"]) expect(presetsIn(text)).toEqual([]);
});
