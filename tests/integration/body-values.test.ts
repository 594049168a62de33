/** Bodies of very many values, which must not keep the server from answering others (live-runner.md R11). The engine is a fake. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { MAX_JSON_VALUES } from "../../src/json-fault.ts";
import { type RunnerServer, runnerServer } from "../support/live-runner/runner-server.ts";

setDefaultTimeout(30_000);

/** Others may wait 250 ms; the rest is for a busy machine. A million members that are parsed and walked take seconds. */
const MAX_STALL_MS = 1000;

let running: RunnerServer;
/** Of a session that its orchestrator has: its calls come to the runner directly here. */
const headers: Record<string, string> = {};
beforeAll(async () => {
  running = await runnerServer({ dialect: "go-livepeer" });
  const { orchestrator, runner } = running;
  const { id } = await orchestrator.reserve();
  Object.assign(headers, {
    "livepeer-session-id": id,
    "livepeer-session-token": orchestrator.session(id)?.token ?? "",
    "livepeer-session-control": `${orchestrator.runnerBase}/runner/${runner.id}/session/${id}`,
    "livepeer-runner-route": runner.id,
  });
});
afterAll(() => running[Symbol.asyncDispose]());

const members = (count: number) =>
  `{${Array.from({ length: count }, (_, n) => `"${n.toString(36)}x":1`).join(",")}}`;
const MILLION = members(1_000_000);
const MOST = members(MAX_JSON_VALUES - 2);
const TOO_MANY = "it holds more than 20000 values";

const BODIES: readonly (readonly [string, string])[] = [
  ["a million members", MILLION],
  ["a million members of params", `{"params":${MILLION}}`],
  ["a million members of metadata", `{"metadata":${MILLION}}`],
  ["a million lists", `{"prompts":[${"[],".repeat(1_000_000)}0]}`],
];
const ACCEPTED: readonly (readonly [string, string])[] = [
  ["as many members as may be", MOST],
  ["as many members of params as may be", `{"params":${MOST}}`],
  ["as many members of metadata as may be", `{"metadata":${MOST}}`],
];

/** The answer, and the longest time in which this process, which is the server too, did nothing else. */
async function post(path: string, body: string) {
  const url = path.startsWith("/runner/")
    ? `${running.runnerUrl}${path.slice("/runner".length)}`
    : `${running.url}${path}`;
  let stall = 0;
  let last = performance.now();
  const tick = () => {
    const now = performance.now();
    stall = Math.max(stall, now - last);
    last = now;
  };
  const ticks = setInterval(tick, 5);
  const answer = await fetch(url, { method: "POST", body, headers });
  const text = await answer.text();
  clearInterval(ticks);
  tick();
  return { status: answer.status, text, stall };
}

test.each(["/stream/start", "/text-reversal", "/runner/stream", "/runner/update", "/runner/stop"])(
  "R11 POST %s is refused for a body of a million values, and nothing waits for it",
  async (path) => {
    for (const [name, body] of BODIES) {
      const { status, text, stall } = await post(path, body);
      expect({ name, status }).toEqual({ name, status: 400 });
      expect(text).toContain(TOO_MANY);
      expect(stall).toBeLessThan(MAX_STALL_MS);
    }
    // The JSON text is one value of the body, and as many as it holds once it is read.
    const { stall } = await post(path, JSON.stringify({ params: MILLION }));
    expect(stall).toBeLessThan(MAX_STALL_MS);
  },
);

test.each(["/stream/start", "/text-reversal", "/runner/stream", "/runner/update"])(
  "R11 POST %s reads the most values that a body may hold, and nothing waits for it",
  async (path) => {
    for (const [name, body] of ACCEPTED) {
      const { stall, text } = await post(path, body);
      expect({ name, isTooMany: text.includes(TOO_MANY) }).toEqual({ name, isTooMany: false });
      expect(stall).toBeLessThan(MAX_STALL_MS);
    }
  },
);
