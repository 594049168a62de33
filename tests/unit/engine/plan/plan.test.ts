import { expect, test } from "bun:test";
import { BUILT_INS } from "../../../../src/engine/models/built-in.ts";
import { defineModel } from "../../../../src/engine/models/define-model.ts";
import { modelChain } from "../../../../src/engine/models/model-chain.ts";
import { parseGraph, signatureOf } from "../../../../src/engine/models/tensor-signature.ts";
import { planOf } from "../../../../src/engine/plan/plan.ts";

function builtIn(name: "edges" | "dreamscape") {
  const model = BUILT_INS[name] ?? expect.unreachable(`${name} is built in`);
  const definition = defineModel(name, model.json, signatureOf(parseGraph(model.graph())));
  return modelChain(definition, () => null);
}

test("with input, or where the model draws by itself, the model runs alone", () => {
  const alone = (model: string) => [{ model, isFeeder: false }];
  expect(planOf(builtIn("edges"), { hasInput: true })).toEqual(alone("edges"));
  expect(planOf(builtIn("dreamscape"), { hasInput: true })).toEqual(alone("dreamscape"));
  expect(planOf(builtIn("dreamscape"), { hasInput: false })).toEqual(alone("dreamscape"));
});

test("a model that needs video is fed a test picture where there is no input", () => {
  expect(planOf(builtIn("edges"), { hasInput: false })).toEqual([
    { model: "test-card", isFeeder: false },
    { model: "edges", isFeeder: false },
  ]);
});

test("models that feed the model run before it, and are not shown", () => {
  const definitions = [{ name: "encoder" }, { name: "prior" }, { name: "painter" }];
  const chain = { definitions, needsVideo: true };
  expect(planOf(chain, { hasInput: true })).toEqual([
    { model: "encoder", isFeeder: true },
    { model: "prior", isFeeder: true },
    { model: "painter", isFeeder: false },
  ]);
  expect(planOf(chain, { hasInput: false }).map(({ model }) => model)).toEqual([
    "test-card",
    "encoder",
    "prior",
    "painter",
  ]);
});
