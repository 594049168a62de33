import { expect, test } from "bun:test";
import { ERROR_KINDS, WorkerError } from "../../../../../../src/errors.ts";
import { fieldsError } from "../../../../../../src/server/field-errors.ts";
import {
  RunnerError,
  runnerErrorOf,
} from "../../../../../../src/server/protocols/live-runner/app/runner-errors.ts";

test("an error has its code and message twice, for both conventions", () => {
  const error = new RunnerError("invalid_param", "fps must be a number", { field: "fps" });
  expect(error.status).toBe(400);
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    success: false,
    status: "error",
    code: "invalid_param",
    message: "fps must be a number",
    error: { code: "invalid_param", message: "fps must be a number", field: "fps" },
  });
});

test.each([
  ["missing_session_id", 400],
  ["invalid_json", 400],
  ["invalid_body", 400],
  ["invalid_param", 400],
  ["unsupported_param", 400],
  ["unknown_preset", 400],
  ["unknown_fallback", 400],
  ["invalid_metadata", 400],
  ["foreign_control_url", 400],
  ["session_not_found", 404],
  ["invalid_state", 409],
  ["pipeline_error", 500],
  ["orchestrator_error", 502],
  ["runner_unavailable", 503],
  ["startup_exceeds_limit", 503],
] as const)("%s is a %d", (code, status) => {
  expect(new RunnerError(code, "because")).toMatchObject({ status, field: null });
});

test("what some codes add stands in the error object", () => {
  const extras = { compute: "cold", estimated_startup_s: 60 } as const;
  const late = new RunnerError("startup_exceeds_limit", "too slow", extras).toJSON();
  expect(late.error).toEqual({
    code: "startup_exceeds_limit",
    message: "too slow",
    field: null,
    ...extras,
  });
  const over = new RunnerError("invalid_state", "it has ended", { session_status: "stopped" });
  expect(over.toJSON().error.session_status).toBe("stopped");
});

test("every kind of failure has a code", () => {
  for (const kind of ERROR_KINDS)
    expect(runnerErrorOf(new WorkerError(kind, "because")).status).toBeGreaterThanOrEqual(400);
});

test.each([
  ["preset", "unknown_preset"],
  ["fallback", "unknown_fallback"],
  ["strength", "invalid_param"],
])("a refusal of %s is %s", (field, code) => {
  const error = runnerErrorOf(fieldsError([{ field, problem: "is unknown" }]));
  expect(error).toMatchObject({ code, field, status: 400, message: `${field} is unknown` });
});

test("a full or broken runner says whether its model is loaded", () => {
  const error = runnerErrorOf(new WorkerError("at_capacity", "all places are taken"), "warm");
  expect(error.toJSON().error).toMatchObject({ code: "runner_unavailable", compute: "warm" });
  const refused = runnerErrorOf(new WorkerError("unknown_model", "is unknown"), "warm");
  expect(refused.toJSON().error).not.toHaveProperty("compute");
});

test.each([new Error("at /home/me/secret"), new WorkerError("internal", "at /home/me/secret")])(
  "an unexpected failure shows nothing of itself",
  (cause) => {
    const error = runnerErrorOf(cause);
    expect(error).toMatchObject({ code: "pipeline_error", status: 500, cause });
    expect(JSON.stringify(error)).not.toContain("secret");
  },
);
