import { expect, test } from "bun:test";
import { sessionHeaders } from "../../../../../../src/server/protocols/live-runner/sessions/session-headers.ts";
import { refusalOf } from "../app/refusal-of.ts";

const ORCHESTRATOR = "http://orchestrator.test:8935";
const read = (changes: Record<string, string> = {}) =>
  sessionHeaders(
    new Request("http://runner.test/stream", {
      headers: {
        "Livepeer-Runner-Route": "runner-1",
        "Livepeer-Session-Id": "session-1",
        "Livepeer-Session-Token": "token-1",
        "Livepeer-Session-Control": `${ORCHESTRATOR}/base/runner/runner-1/session/session-1`,
        ...changes,
      },
    }),
    (origin) => origin === ORCHESTRATOR,
  );

test("the headers name the session, its token and where to call back, without a trailing slash", () => {
  const control = `${ORCHESTRATOR}/base/runner/runner-1/session/session-1`;
  const expected = { id: "session-1", token: "token-1", control };
  expect(read()).toEqual(expected);
  expect(read({ "Livepeer-Session-Control": `${control}//` })).toEqual(expected);
});

test.each([
  ["Livepeer-Session-Id", ""],
  ["Livepeer-Session-Id", "x".repeat(257)],
  ["Livepeer-Session-Token", " "],
  ["Livepeer-Runner-Route", ""],
])("%s with the value '%s' is refused by its name", (name, value) => {
  expect(refusalOf(() => read({ [name]: value }))).toMatchObject({
    code: "missing_session_id",
    field: name,
  });
});

test.each([
  "http://elsewhere.test/runner/runner-1/session/session-1",
  "https://orchestrator.test:8935/runner/runner-1/session/session-1",
  "http://user:secret@orchestrator.test:8935/runner/runner-1/session/session-1",
  "/runner/runner-1/session/session-1",
  "javascript:alert(1)",
])("a control URL %s is foreign, and the message does not quote it", (url) => {
  const refusal = refusalOf(() => read({ "Livepeer-Session-Control": url }));
  expect(refusal).toMatchObject({ code: "foreign_control_url", field: "Livepeer-Session-Control" });
  expect(refusal.message).not.toContain("session-1");
});
