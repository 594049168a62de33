/** What texts a diffusion pipeline refuses before it draws, and what it leaves out of them. */
import { expect, test } from "bun:test";
import { defineDiffusion } from "../../../../src/engine/models/diffusion-definition.ts";
import { judgeTexts } from "../../../../src/engine/plan/judge-texts.ts";

const limits = {
  size: null,
  multipleOf: 8,
  fixedRows: null,
  takesGuidance: false,
  takesSizes: false,
  takesResiduals: false,
};
const abilities = {
  limits,
  encodesVideo: true,
  controlNets: 0,
  clipLayers: 0,
  followsDiffusers: true,
  takesEta: false,
};
const pipeline = defineDiffusion("drawn", {}, "/models/drawn", abilities);
const theirs = defineDiffusion(
  "theirs",
  { inputs: { rules: { role: "vector", default: [0, 1] } } },
  "/models/theirs",
  abilities,
);

const judged = (prompt: string, model = pipeline, rules?: number[]) =>
  judgeTexts(
    { model: "drawn", prompts: [{ prompt }], model_params: rules === undefined ? {} : { rules } },
    { definitionOf: () => model },
  );

test.each([
  ["a number that is none", "(a:nan)"],
  ["infinity", "a fox (b:inf)"],
  ["a number beyond doubles", "(c:-1e400)"],
  ["a number beyond single precision", "(d:1e39)"],
  ["emphasis upon emphasis", `${"(".repeat(8000)}e${")".repeat(8000)}`],
])("a weight that is not finite is refused: %s", (_, text) => {
  expect(() => judged(text)).toThrow(/^prompts gives "[a-e]" the weight (NaN|-?Infinity|1e\+39)/);
});

test("negative prompts are judged as well, each by itself", () => {
  const prompts = [{ prompt: "a (b:nan)", negative_prompt: "(c:inf)" }];
  const question = { model: "drawn", prompts, model_params: {} };
  expect(() => judgeTexts(question, { definitionOf: () => pipeline })).toThrow(
    expect.objectContaining({
      details: [
        { field: "prompts", problem: expect.stringContaining("NaN") },
        { field: "prompts", problem: expect.stringContaining("Infinity") },
      ],
    }),
  );
});

test("finite weights, parentheses that are text, and models that read no weights pass", () => {
  for (const text of ["(a:1.5)", "(a:nan", "a \\(b:nan\\)", "(a:1e38)"]) {
    expect(judged(text)).toEqual([]);
  }
  const model = { ...pipeline, inputs: pipeline.inputs.filter(({ role }) => role !== "prompts") };
  expect(judged("(a:nan)", model)).toEqual([]);
});

test("diffusers' rules read parentheses as text, and say what they leave out", () => {
  const long = `(a:nan) ${"cat ".repeat(70)}`; // ( a : nan ) and 70 cats
  for (const [model, rules] of [
    [pipeline, [0, 1]],
    [theirs, undefined],
  ] as const) {
    expect(judged(long, model, rules && [...rules])).toEqual([]);
    expect(judged(`${long} dog's`, model, rules && [...rules])).toEqual([
      { field: "prompts", problem: expect.stringMatching(/^has 77 words .* read 75/) },
    ]);
  }
  expect(() => judged(long, theirs, [1, 0])).toThrow("NaN");
});
