/** The attempts to start a session: none gets as far as a stream here. */
import { expect, test } from "bun:test";
import { WorkerError } from "../../../../../../src/errors.ts";
import { Admission } from "../../../../../../src/server/admission.ts";
import { SessionCalls } from "../../../../../../src/server/protocols/live-runner/sessions/session-calls.ts";
import { SessionLife } from "../../../../../../src/server/protocols/live-runner/sessions/session-life.ts";
import { SessionLog } from "../../../../../../src/server/protocols/live-runner/sessions/session-log.ts";
import { SHUTDOWN } from "../../../../../../src/server/protocols/live-runner/sessions/session-outcome.ts";
import type { SessionServices } from "../../../../../../src/server/protocols/live-runner/sessions/session-services.ts";
import { StartAttempts } from "../../../../../../src/server/protocols/live-runner/sessions/start-attempts.ts";

const never = (): never => {
  throw new Error("no stream is started here");
};

/** A session that was called and holds a place; its attempts fail when `fail` is called. */
function calledSession() {
  const admission = new Admission(2);
  const life = new SessionLife();
  const prepared: PromiseWithResolvers<never>[] = [];
  const services: SessionServices = {
    owner: {
      key: "key",
      orchestrator: "http://orchestrator.test",
      runnerId: "runner-1",
      isControlOrigin: () => true,
      stopByClientRoute: never,
      refresh: never,
      noteUncalled: never,
      noteCall: () => {},
    },
    starter: {
      prepare: () => {
        const attempt = Promise.withResolvers<never>();
        prepared.push(attempt);
        return attempt.promise;
      },
      checkChannels: never,
      begin: never,
    },
    store: { end: never },
    updater: { apply: never },
    tls: { rejectUnauthorized: false },
    startupOf: never,
    hold: async () => admission.take(),
    settings: {
      unusedTimeoutMs: 60_000,
      idleTimeoutMs: 60_000,
      endGraceMs: 0,
      maxSessionMs: 0,
      segmentSeconds: 1,
    },
  };
  const calls = new SessionCalls({ id: "session-0", seenAt: 0 }, services);
  calls.arrived({ id: "session-0", token: "token-1", control: "http://orchestrator.test/s" });
  const log = new SessionLog({ id: "session-0", logId: "abcd1234" });
  const attempts = new StartAttempts(admission.take(), {
    services,
    life,
    calls,
    log,
    update: never,
    onRunning: never,
  });
  const fail = (error: Error) => prepared.at(-1)?.reject(error);
  return { admission, life, attempts, prepared, fail };
}

const BAD_MODEL = new WorkerError("unknown_model", "no such model");

test("a repeated call joins the attempt that is being made; after its failure another one is made", async () => {
  const { attempts, prepared, fail, admission } = calledSession();
  for (const made of [1, 2]) {
    const calls = Promise.allSettled([attempts.start({}), attempts.start({})]);
    await Bun.sleep(0); // an attempt takes its place first
    expect([prepared.length, attempts.hasBegun]).toEqual([made, true]);
    fail(BAD_MODEL);
    const refused = { status: "rejected", reason: BAD_MODEL } as const;
    expect(await calls).toEqual([refused, refused]);
    expect([attempts.hasBegun, admission.taken]).toEqual([false, 1]);
  }
});

test("a failure of the orchestrator gives the place back, and the next attempt takes another one", async () => {
  const { attempts, fail, admission } = calledSession();
  const first = attempts.start({});
  await Bun.sleep(0);
  fail(new WorkerError("refused_host", "not allowed"));
  await expect(first).rejects.toThrow("not allowed");
  expect(admission.taken).toBe(0);
  const second = attempts.start({});
  await Bun.sleep(0);
  expect(admission.taken).toBe(1);
  fail(BAD_MODEL);
  await expect(second).rejects.toBe(BAD_MODEL);
});

test("a session that ends gives its place back, one that ends during an attempt once that has failed", async () => {
  const unstarted = calledSession();
  unstarted.attempts.abandon();
  expect(unstarted.admission.taken).toBe(0);
  const { attempts, life, fail, admission } = calledSession();
  const start = attempts.start({});
  await Bun.sleep(0);
  life.conclude(SHUTDOWN, 0);
  attempts.abandon();
  expect(admission.taken).toBe(1);
  fail(BAD_MODEL);
  await expect(start).rejects.toBe(BAD_MODEL);
  expect(admission.taken).toBe(0);
  await expect(attempts.start({})).rejects.toMatchObject({ code: "invalid_state" });
});
