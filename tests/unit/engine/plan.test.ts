import { expect, test } from "bun:test";
import { plan } from "../../../src/engine/plan.ts";
import type { StreamParams } from "../../../src/engine/protocol/work.ts";

const PARAMS: StreamParams = {
  prompts: [],
  model: "style",
  fit: "cover",
  paused: false,
  model_params: {},
};

test("with input, or where the model draws by itself, the model runs alone", () => {
  expect(plan(PARAMS, true, true)).toEqual(["style"]);
  expect(plan(PARAMS, true, false)).toEqual(["style"]);
  expect(plan(PARAMS, false, false)).toEqual(["style"]);
});

test("a model that takes video is fed a test picture where there is no input", () => {
  expect(plan(PARAMS, false, true)).toEqual(["test-card", "style"]);
});
