/** Inputs that another model feeds. */
import { expect, test } from "bun:test";
import type { Moment } from "../../../../../src/engine/models/roles/role.ts";
import { valuesOf } from "../../../../../src/engine/models/run-values.ts";
import type { Tensor } from "../../../../../src/engine/models/tensor.ts";
import { defaultControls } from "../../../../../src/engine/prompts/controls.ts";
import { inputPort, inputProblems, withInput } from "./bind.ts";

const entry = { role: "from", from: { model: "encoder", output: "code" } };

const moment = (upstream: Moment["upstream"]): Moment => ({
  params: {},
  prompts: [],
  graphs: [],
  timeSeconds: 0,
  size: { width: 1, height: 1 },
  outputSize: { width: 1, height: 1 },
  sum: () => 0,
  text: () => defaultControls(),
  upstream,
  picture: () => null,
});

test("the port names the other model and its output, and has 1 for free dimensions", () => {
  expect(inputPort(entry, "z float16 [N, 77, D]")).toMatchObject({
    role: "from",
    source: { model: "encoder", output: "code" },
    dims: [1, 77, 1],
  });
});

test("tensors that do not hold floats, as all data does, are refused", () => {
  expect(inputProblems(entry, "z int64 [1, 4]")).toEqual([
    'from needs floats of known rank, but the tensor is "z" int64 [1, 4]',
  ]);
});

test("the tensor is what the other model gave last, and zeros before its first run", () => {
  const definition = withInput(entry, "z float32 [1, 2]");
  const code: Tensor = { dtype: "float32", dims: [1, 2], data: Float32Array.of(3, 4) };
  const asked: string[] = [];
  const upstream: Moment["upstream"] = (model, output) => {
    asked.push(`${model} ${output}`);
    return code;
  };
  expect(valuesOf(definition, moment(upstream))).toEqual({ z: code });
  expect(asked).toEqual(["encoder code"]);
  expect(
    valuesOf(
      definition,
      moment(() => null),
    ),
  ).toEqual({
    z: { dtype: "float32", dims: [1, 2], data: new Float32Array(2) },
  });
});
