import { expect, test } from "bun:test";
import type { SessionStop } from "../../../../../../src/server/protocols/live-runner/runner-sessions.ts";
import { SessionRelease } from "../../../../../../src/server/protocols/live-runner/sessions/session-release.ts";

const STOPPED: SessionStop = { kind: "stopped" };
const FAILED: SessionStop = { kind: "failed", message: "it answered 500" };

/** A release whose tries have these outcomes, one after the other, and then succeed. */
function releaseOf(outcomes: readonly SessionStop[] = []) {
  const left = [...outcomes];
  const tries: number[] = [];
  const release = new SessionRelease({
    logId: "abcd1234",
    stop: async () => {
      tries.push(performance.now());
      return left.shift() ?? STOPPED;
    },
    retryMs: [5, 10, 15],
  });
  return { release, tries };
}

test("failures are retried until the orchestrator has released the session", async () => {
  const { release, tries } = releaseOf([FAILED, FAILED]);
  await release.begin(0);
  expect(tries).toHaveLength(3);
  expect(release.isHeld).toBe(false);
  await release.over;
});

test("after the last retry the session is still held, and a later release succeeds", async () => {
  const { release, tries } = releaseOf([FAILED, FAILED, FAILED, FAILED]);
  await release.begin(0);
  await release.over;
  expect([tries.length, release.isHeld]).toEqual([4, true]);
  await release.begin(0);
  expect([tries.length, release.isHeld]).toEqual([5, false]);
});

test("a session that its orchestrator does not have any more is not released", async () => {
  const { release, tries } = releaseOf();
  const begun = release.begin(60_000);
  release.gone();
  await begun;
  await release.begin(0);
  await release.over;
  expect(tries).toEqual([]);
});

test("between two tries the orchestrator may release the session itself", async () => {
  let tries = 0;
  const release = new SessionRelease({
    logId: "abcd1234",
    stop: async () => {
      tries++;
      queueMicrotask(() => release.gone());
      return FAILED;
    },
    retryMs: [60_000],
  });
  await release.begin(0);
  expect([tries, release.isHeld]).toEqual([1, false]);
});

test("a release that waits is tried at once when it is hurried, and only once", async () => {
  const { release, tries } = releaseOf();
  const begun = release.begin(60_000);
  void release.begin(0);
  release.hurry();
  await begun;
  expect(tries).toHaveLength(1);
});

test("the time for an answer to arrive is not cut short by hurry", async () => {
  const { release, tries } = releaseOf();
  release.hurry();
  const begunAt = performance.now();
  await release.begin(100);
  expect((tries[0] ?? 0) - begunAt).toBeGreaterThan(90);
});
