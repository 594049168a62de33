/** Time limits of sessions: they follow a clock that nobody sets. */
import { afterEach, expect, setSystemTime, test } from "bun:test";
import { SessionLimits } from "../../../../../../src/server/protocols/live-runner/sessions/session-limits.ts";
import { MAX_SESSION } from "../../../../../../src/server/protocols/live-runner/sessions/session-outcome.ts";
import type { RunningSession } from "../../../../../../src/server/protocols/live-runner/sessions/start-session.ts";

afterEach(() => void setSystemTime());

const SETTINGS = {
  unusedTimeoutMs: 60_000,
  idleTimeoutMs: 60_000,
  maxSessionMs: 10_000,
  segmentSeconds: 1,
  uncalledMs: 0,
  endGraceMs: 0,
};

test("a session ends when it has lasted as long as it may, whatever the wall clock says", () => {
  const limits = new SessionLimits(SETTINGS, 1000);
  limits.started(2000);
  const running = { start: {}, stream: { stats: { bytes_in: 1 } } } as RunningSession;
  setSystemTime(Date.now() + 3_600_000);
  expect(limits.ofRunning(running, 11_999)).toBeNull();
  expect(limits.ofRunning(running, 12_000)).toBe(MAX_SESSION);
});
