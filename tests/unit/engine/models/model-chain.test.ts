import { expect, test } from "bun:test";
import { defineModel } from "../../../../src/engine/models/define-model.ts";
import type { ModelDefinition } from "../../../../src/engine/models/definition.ts";
import { modelChain } from "../../../../src/engine/models/model-chain.ts";
import type { PortEntry } from "../../../../src/engine/models/model-json.ts";
import { signature } from "../../../support/signature.ts";

/** A model without video that takes `z` from each of `from`, has a parameter `gain`, and gives `code` and a picture. */
function model(name: string, from: readonly string[], entries: Record<string, PortEntry> = {}) {
  const inputs = from.map((_, at) => `z${at} float32 [1, 4]`);
  const fed = from.map((source, at) => [
    `z${at}`,
    { role: "from", from: { model: source, output: "code" } },
  ]);
  return defineModel(
    name,
    { inputs: { ...Object.fromEntries(fed), ...entries } },
    signature([...inputs, "gain float32 [1]"], ["code float32 [1, 4]", "y float32 [1, 3, 64, 64]"]),
  );
}

const find =
  (...models: readonly ModelDefinition[]) =>
  (name: string): ModelDefinition | null =>
    models.find((each) => each.name === name) ?? null;

const names = (definitions: readonly ModelDefinition[]) => definitions.map(({ name }) => name);

test("a model that nothing feeds is a chain of one", () => {
  const alone = model("alone", []);
  expect(modelChain(alone, () => null)).toMatchObject({
    definitions: [alone],
    params: [{ name: "gain" }, { name: "show_data" }],
    takesVideo: false,
    needsVideo: false,
    takesPrompts: false,
    data: ["code"],
  });
});

test("a parameter that two models of a chain have must have one type", () => {
  const top = model("top", ["base"], { gain: { role: "vector", default: [1] } });
  expect(() => modelChain(top, find(model("base", [])))).toThrow(
    'its parameter "gain" is a vector in one of the models base, top and a number in another',
  );
});

test("those that feed others come first, each once", () => {
  const top = model("top", ["left", "right"]);
  const all = [model("left", ["base"]), model("right", ["base"]), model("base", [])];
  expect(names(modelChain(top, find(...all)).definitions)).toEqual([
    "base",
    "left",
    "right",
    "top",
  ]);
});

test("parameters of what a feeder shows are not the model's: nothing of it is shown", () => {
  const base = model("base", []);
  const top = defineModel(
    "top",
    { inputs: { z: { role: "from", from: { model: "base", output: "code" } } } },
    signature(["z float32 [1, 4]"], ["y float32 [1, 3, 64, 64]"]),
  );
  expect(base.params).toMatchObject([{ name: "gain" }, { name: "show_data" }]);
  expect(modelChain(top, find(base)).params).toMatchObject([{ name: "gain" }]);
  expect(modelChain(top, find(base)).params.length).toBe(1);
});

test("parameters of the feeders are the model's, whose own describe those that both have", () => {
  const top = model("top", ["base"], { gain: { role: "param", max: 9 } });
  const base = model("base", [], { gain: { role: "param", name: "depth" } });
  const same = model("base", []);
  const params = (feeder: ModelDefinition) =>
    modelChain(top, find(feeder)).params.filter(({ name }) => name !== "show_data");
  expect(params(base)).toMatchObject([{ name: "gain", max: 9 }, { name: "depth" }]);
  expect(params(same)).toMatchObject([{ name: "gain", max: 9 }]);
});

test("the chain takes the video and the prompts that one of its models takes", () => {
  const reader = defineModel(
    "reader",
    { inputs: { t: { role: "text", encoder: "lexicon" } } },
    signature(["x float32 [1, 3, H, W]", "t float32 [1, C]"], ["code float32 [1, 4]"]),
  );
  const top = model("top", ["reader"]);
  expect(modelChain(top, find(reader))).toMatchObject({
    takesVideo: true,
    needsVideo: true,
    takesPrompts: true,
  });
});

test("models that feed each other are refused, and the circle is shown", () => {
  const a = model("a", ["b"]);
  const b = model("b", ["c"]);
  const c = model("c", ["a"]);
  expect(() => modelChain(a, find(a, b, c))).toThrow(
    "model.json: inputs.z0.from leads back to the model itself: a, b, c, a",
  );
  const self = model("self", ["self"]);
  expect(() => modelChain(self, find(self))).toThrow("leads back to the model itself: self, self");
  // A circle further down that the model itself is no part of.
  expect(() => modelChain(model("top", ["a"]), find(a, b, c))).toThrow("top, a, b, c, a");
});

test("a model that is not there is named", () => {
  expect(() => modelChain(model("top", ["gone"]), () => null)).toThrow(
    'inputs.z0.from.model is "gone", which is not there or cannot be used',
  );
});

test("only outputs with the role data feed others, and those are listed", () => {
  const top = model("top", ["base"]);
  const graph = signature(
    ["gain float32 [1]"],
    ["code float32 [1, 4]", "scores float32 [1, 4]", "y float32 [1, 3, 64, 64]"],
  );
  const base = defineModel("base", { outputs: { code: { role: "ignore" } } }, graph);
  expect(() => modelChain(top, find(base))).toThrow(
    'inputs.z0.from.output is "code"; outputs of base with role "data": "scores"',
  );
  const silent = defineModel(
    "base",
    { outputs: { code: { role: "ignore" }, scores: { role: "ignore" } } },
    graph,
  );
  expect(() => modelChain(top, find(silent))).toThrow('with role "data": none');
});
