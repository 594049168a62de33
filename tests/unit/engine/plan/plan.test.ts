import { expect, test } from "bun:test";
import { BUILT_INS } from "../../../src/engine/models/built-in.ts";
import { defineModel } from "../../../src/engine/models/define-model.ts";
import { parseGraph, signatureOf } from "../../../src/engine/models/tensor-signature.ts";
import { plan } from "../../../src/engine/plan/plan.ts";

function builtIn(name: "edges" | "dreamscape") {
  const model = BUILT_INS[name] ?? expect.unreachable(`${name} is built in`);
  return defineModel(name, model.json, signatureOf(parseGraph(model.graph())));
}

test("with input, or where the model draws by itself, the model runs alone", () => {
  expect(plan(builtIn("edges"), { hasInput: true })).toEqual(["edges"]);
  expect(plan(builtIn("dreamscape"), { hasInput: true })).toEqual(["dreamscape"]);
  expect(plan(builtIn("dreamscape"), { hasInput: false })).toEqual(["dreamscape"]);
});

test("a model that takes video is fed a test picture where there is no input", () => {
  expect(plan(builtIn("edges"), { hasInput: false })).toEqual(["test-card", "edges"]);
});
