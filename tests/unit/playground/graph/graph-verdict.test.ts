/** Tests how long the page shows what the server said of a graph. */
import { describe, expect, test } from "bun:test";
import { FIRST_DRAFT } from "../../../../src/playground/draft.ts";
import {
  alertFor,
  type GraphForm,
  type GraphVerdict,
  standingVerdict,
} from "../../../../src/playground/graph/graph-verdict.ts";

const draft = { ...FIRST_DRAFT, model: "comfyui", graph: '{"1": "faulty"}' };
const refused: GraphVerdict = {
  draft,
  problems: [{ field: "prompts", node: "1", problem: "is not an object" }],
  refusal: "prompts: node 1 is not an object",
};
const form: GraphForm = { draft, isReadable: true, applied: null };

test("a refusal stays with the graph that was refused", () => {
  expect(standingVerdict(refused, form)).toBe(refused);
  expect(standingVerdict(refused, { ...form, applied: '{"2": "running"}' })).toBe(refused);
});

describe("a refusal goes", () => {
  const another = { ...draft, graph: '{"1": "another"}' };
  const cases: [string, Partial<GraphForm>][] = [
    ["with another text, while nothing runs", { draft: another }],
    ["with another model", { draft: { ...draft, model: "dreamscape" } }],
    ["with another source of the video", { draft: { ...draft, source: "camera" } }],
    [
      "with a text that cannot be sent, while a stream runs",
      { draft: another, isReadable: false, applied: '{"2": "running"}' },
    ],
    ["with the graph that runs", { draft: another, applied: another.graph }],
  ];
  test.each(cases)("%s", (_, now) => {
    expect(standingVerdict(refused, { ...form, ...now })).toBeNull();
  });
});

test("a refusal stays while a newer text is being judged", () => {
  const another = { ...draft, graph: '{"1": "another"}' };
  const now = { draft: another, isReadable: true, applied: '{"2": "running"}' };
  expect(standingVerdict(refused, now)).toBe(refused);
});

test("the alert says whether a stream goes on, and none comes with warnings", () => {
  expect(alertFor(refused, false)?.advice).toBe("");
  expect(alertFor(refused, true)?.advice).toBe("The stream goes on as it was.");
  expect(alertFor({ ...refused, refusal: null }, true)).toBeNull();
  expect(alertFor({ draft, problems: [], refusal: "Line 1." }, false)).toMatchObject({
    what: "The graph cannot be read.",
    advice: "Line 1.",
  });
});
