import { expect, test } from "bun:test";
import { parseJson } from "../../../src/server/exact-json.ts";

const SEED = "18446744073709551615";
const graph = (seed: string) => `{"1": {"class_type": "KSampler", "inputs": {"seed": ${seed}}}}`;

test("a seed of a graph that no number holds becomes the text of its digits", () => {
  expect(parseJson(`{"prompts": [${graph(SEED)}], "fps": 30}`)).toEqual({
    prompts: [JSON.parse(graph(`"${SEED}"`))],
    fps: 30,
  });
});

test("numbers that are exact, and those that are no integers, stay numbers", () => {
  const text = graph("9007199254740991").replace(
    "}}}",
    ', "cfg": 1.234567890123456789, "x": 1e300}}}',
  );
  expect(parseJson(text)).toEqual(JSON.parse(text));
});

test("without a graph numbers are as JavaScript has them", () => {
  expect(parseJson(`{"width": ${SEED}}`)).toEqual({ width: Number(SEED) });
});
