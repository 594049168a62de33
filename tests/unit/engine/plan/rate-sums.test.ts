import { expect, test } from "bun:test";
import { RateSums } from "../../../../src/engine/plan/rate-sums.ts";
import { scalarsOf } from "../../../../src/engine/models/run-values.ts";
import type { ModelDefinition } from "../../../../src/engine/models/definition.ts";

const param = (name: string, fallback: number, sum: boolean) =>
  ({
    tensor: `${name}_tensor`,
    dtype: "float64",
    dims: [],
    role: "param",
    param: {
      type: "number",
      name,
      default: fallback,
      min: 0,
      max: 9,
      integer: false,
      description: "",
    },
    sum,
  }) as const;

const model = (name: string): ModelDefinition => ({
  name,
  description: "",
  frame: null,
  scalars: [param("turn", 2, true), param("zoom", 3, false)],
  texts: [],
  image: { tensor: "y", layout: "nchw", channels: "rgb", dtype: "uint8", range: [0, 255] },
  fit: null,
});

test("a rate that never changed gives rate times time, whenever the counting began", () => {
  const sums = new RateSums();
  expect(sums.at(model("a"), {}, 100)).toEqual({ turn: 200 });
  expect(sums.at(model("a"), {}, 101.5)).toEqual({ turn: 203 });
  expect(new RateSums().at(model("a"), {}, 101.5)).toEqual({ turn: 203 });
});

test("a rate that changes goes on from where it was", () => {
  const sums = new RateSums();
  sums.at(model("a"), { turn: 1 }, 100);
  expect(sums.at(model("a"), { turn: 5 }, 100.5)).toEqual({ turn: 102.5 });
  expect(sums.at(model("a"), { turn: 0 }, 101)).toEqual({ turn: 102.5 });
  expect(sums.at(model("a"), { turn: 0 }, 500)).toEqual({ turn: 102.5 });
});

test("models that run on the same frames are counted apart", () => {
  const sums = new RateSums();
  for (const name of ["a", "b"]) sums.at(model(name), { turn: 1 }, 10);
  expect(sums.at(model("a"), { turn: 3 }, 11)).toEqual({ turn: 13 });
  expect(sums.at(model("b"), { turn: 3 }, 11)).toEqual({ turn: 13 });
  expect(sums.at(model("b"), { turn: 3 }, 12)).toEqual({ turn: 16 });
});

test("a tensor gets the sum where it asks for one and the value where it does not", () => {
  const from = { params: { turn: 4 }, size: { width: 1, height: 1 }, timeSeconds: 10 };
  const numbers = { turn_tensor: 40, zoom_tensor: 3 };
  expect(scalarsOf(model("a"), from)).toEqual(numbers);
  expect(scalarsOf(model("a"), { ...from, sums: { turn: 7 } })).toEqual({
    ...numbers,
    turn_tensor: 7,
  });
});
