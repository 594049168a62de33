/** Errors of a stream's channels name the channel, so that the server can put in the caller's field. */
import { expect, test } from "bun:test";
import { lossOf, refusalOf } from "../../../../src/engine/work/preflight.ts";
import { WorkerError } from "../../../../src/errors.ts";

test.each([
  ["output_lost", "output"],
  ["input_lost", "input"],
] as const)("an error of kind %s names the %s", (kind, field) => {
  const problem = "channel at http://host: the peer took nothing for 60 s";
  expect(lossOf(new WorkerError(kind, problem))).toMatchObject({
    kind,
    message: `${field}: ${problem}`,
    details: [{ field, problem }],
  });
});

test("a refusal names its channel; other errors, and those that name a field, stay as they are", () => {
  const refused = new WorkerError("channel_refused", "no");
  expect(refusalOf("input", refused)).toMatchObject({ message: "input: no" });
  const named = new WorkerError("output_lost", "x", {
    details: [{ field: "model", problem: "x" }],
  });
  for (const error of [named, new WorkerError("model_failed", "x"), new Error("x"), null])
    expect(lossOf(error)).toBe(error);
  const lost = new WorkerError("output_lost", "x");
  expect(refusalOf("output", lost)).toBe(lost);
});
