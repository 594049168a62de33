import { expect, test } from "bun:test";
import { describeUnexpected, toPlainError, WorkerError } from "../../src/errors.ts";

test("an unexpected error is described with its stack and its causes, and without the paths of URLs", () => {
  const cause = new TypeError("no such channel: http://host:1/trickle/secret");
  const text = describeUnexpected(new Error("failed", { cause }));
  expect(text).toMatch(/^Error: failed\n\s+at .*errors\.test\.ts/);
  expect(text).toContain("caused by TypeError: no such channel: http://host:1\n");
  expect(text).not.toContain("secret");
  expect(describeUnexpected("only a text")).toBe("only a text");
});

test("causes in a circle and endless messages are cut", () => {
  const error = new Error("x".repeat(100_000));
  error.cause = error;
  expect(describeUnexpected(error).length).toBe(8000);
});

test("other errors than WorkerErrors become internal, or the kind given", () => {
  const error = new Error("no memory");
  expect(toPlainError(error)).toEqual({ kind: "internal", message: "no memory" });
  expect(toPlainError(error, "model_failed").kind).toBe("model_failed");
  expect(toPlainError(new WorkerError("timeout", "late")).kind).toBe("timeout");
});
