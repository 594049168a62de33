/** Fuzzes the routes below `/runner/{key}` with hostile bodies, and with headers of others than its orchestrator. */
import fc from "fast-check";
import { exchange, headOf } from "./exchange.ts";
import { httpTarget, tried } from "./http-target.ts";
import { hostileValue, hostileVariant, matching } from "./json-values.ts";
import { operationsOf } from "./operations.ts";
import { expectJsonAnswer, NO_ROOM } from "./promises.ts";
import { RUNNER_KEY } from "./worker.ts";

const USUAL = [
  { mode: "echo", width: 64, height: 64, fps: 5 },
  { model: "identity", prompts: "a", metadata: { a: "b" }, audio: false },
  { params: { mode: "echo" }, gateway_request_id: "g", stream_id: "s" },
  { reason: "done" },
];
const NAMES = ["session-id", "session-token", "session-control", "runner-route"] as const;
const VALUES = [
  "",
  "x",
  "__proto__",
  "%00",
  "y".repeat(300),
  "http://127.0.0.1:9/x",
  "http://u:p@x/",
  "é",
];

/** The orchestrator refuses callbacks with a forged token. */
const REFUSED = [...NO_ROOM, "orchestrator_error"];

export const runnerRequests = httpTarget({
  name: "runner-requests",
  inputs: "calls of live-runner sessions with hostile bodies, missing and forged headers",
  found: [],
  // A session takes a place, and there are as many.
  lanes: 4,
  limitMs: 30_000,
  open: async ({ url, port, orchestrator }) => {
    const { id: route } = await orchestrator.usable();
    const operations = (await operationsOf(url)).filter(({ path }) => path.startsWith("/runner/"));
    const call = fc.constantFrom(...operations).chain(({ method, path, body }) =>
      fc.record({
        method: fc.constant(method),
        path: fc.constant(path.replace("{key}", RUNNER_KEY)),
        body:
          body === null
            ? fc.constant(undefined)
            : hostileVariant(fc.oneof(matching(body), fc.constantFrom(...USUAL), hostileValue)),
        forged: fc.option(fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...VALUES)), {
          freq: 6,
        }),
      }),
    );
    const calls = fc.array(call, { minLength: 1, maxLength: 4 });
    return tried(calls, async (calls) => {
      // A place is free again once the orchestrator has heard of it.
      const session = await soon(() => orchestrator.reserve());
      const { token = "" } = orchestrator.session(session.id) ?? {};
      const control = `${orchestrator.runnerBase}/runner/${route}/session/${session.id}`;
      const own = {
        "session-id": session.id,
        "session-token": token,
        "session-control": control,
        "runner-route": route,
      };
      try {
        for (const { method, path, body, forged } of calls) {
          const text = Buffer.from(JSON.stringify(body) ?? "");
          const named = { ...own, ...(forged && { [forged[0]]: forged[1] }) };
          const headers = Object.entries(named).map(
            ([name, value]) => [`Livepeer-${name}`, value] as const,
          );
          const head = headOf({
            method,
            target: path,
            headers: [["Host", "x"], ["Content-Length", `${text.length}`], ...headers],
          });
          const { answers } = await exchange({
            port,
            pieces: [Buffer.from(head, "latin1"), text],
            patienceMs: 30_000,
          });
          const [answer] = answers;
          if (answer === undefined) throw new Error("no answer");
          expectJsonAnswer(answer, REFUSED);
        }
      } finally {
        await session.stop();
      }
    });
  },
});

/** What `attempt` returns as soon as it succeeds. */
async function soon<T>(attempt: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await Bun.sleep(50);
    }
  }
}
