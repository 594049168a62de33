import { expect, test } from "bun:test";
import { readConfig } from "../../../src/config.ts";
import type { RegistrationView } from "../../../src/server/registration-view.ts";
import { registrationViews } from "../../../src/server/registrations.ts";
import { examineRegistrations } from "../../../src/server/registrations-report.ts";

const ORCH_URL = "https://orch:8935";

/** What the doctor says of a server that answers so. */
async function reportOf(answer: () => Response, env: Record<string, string> = {}) {
  const bearers: (string | null)[] = [];
  await using server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ headers }) => {
      bearers.push(headers.get("authorization"));
      return answer();
    },
  });
  const flags = ["--host", "127.0.0.1", "--port", `${server.port}`];
  const report = await examineRegistrations(readConfig(flags, { ORCH_URL, ...env }));
  return { report, bearers, port: server.port };
}

const views = (registered: boolean): readonly RegistrationView[] =>
  registrationViews({
    registrations: () => [],
    listed: () => [],
    runners: () => [
      {
        app: "live/video",
        orchestrator: ORCH_URL,
        registered,
        since: registered ? new Date(0) : null,
        failure: registered
          ? null
          : { kind: "refused", message: "it answered 400", at: new Date() },
      },
    ],
  });

test("what an orchestrator does not have makes the report fail, and says why", async () => {
  const env = { API_TOKEN: "operator-token" };
  const { report, bearers } = await reportOf(
    () => Response.json({ success: true, registrations: views(false) }),
    env,
  );
  expect(report?.ok).toBe(false);
  expect(report?.text).toMatch(
    /: FAILED\n.*\nrunner +live\/video +https:\/\/orch:8935 +NOT REGISTERED +it answered 400$/,
  );
  expect(bearers).toEqual(["Bearer operator-token"]);
  const fine = await reportOf(() => Response.json({ registrations: views(true) }));
  expect(fine.report).toMatchObject({
    ok: true,
    text: expect.stringContaining("since 1970-01-01T"),
  });
});

test("a static runner is shown, and is no failure", async () => {
  const states = { registrations: () => [], runners: () => [], listed: () => ["live/video"] };
  const registrations = registrationViews(states);
  const { report } = await reportOf(() => Response.json({ registrations }));
  expect(report?.ok).toBe(true);
  expect(report?.text).toMatch(/static +live\/video +static +listed by operators/);
});

test("a server that is not there, or does not say, is no failure; without ORCH_URL nobody is asked", async () => {
  const { report, port } = await reportOf(() => new Response("no", { status: 403 }));
  expect(report).toEqual({
    ok: true,
    text: `registrations: not known: http://127.0.0.1:${port} answered 403`,
  });
  const flags = ["--host", "127.0.0.1", "--port", `${port}`];
  expect(await examineRegistrations(readConfig(flags, { ORCH_URL }))).toMatchObject({
    ok: true,
    text: expect.stringContaining("no server answers at"),
  });
  expect(await examineRegistrations(readConfig(flags, {}))).toBeNull();
});
