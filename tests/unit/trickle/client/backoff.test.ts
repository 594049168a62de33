/** The pauses between retries, and when they end. */
import { expect, test } from "bun:test";
import { Backoff } from "../../../../src/trickle/client/backoff.ts";

const never = new AbortController().signal;

test("failures in a row are retried for the given time, counted from the first", async () => {
  const backoff = new Backoff(30);
  expect(backoff.fail()).toBe(true);
  await Bun.sleep(40);
  expect(backoff.fail()).toBe(false);
  expect(backoff.failures).toBe(2);
  backoff.succeed();
  expect(backoff.failures).toBe(0);
  expect(backoff.fail()).toBe(true);
});

test("each pause is longer than the one before, and an abort ends it", async () => {
  const backoff = new Backoff(60_000);
  const pauses: number[] = [];
  for (let n = 0; n < 3; n++) {
    backoff.fail();
    const began = performance.now();
    await backoff.wait(never);
    pauses.push(performance.now() - began);
  }
  // 25–50, 50–100 and 100–200 ms.
  for (const [n, ms] of pauses.entries()) expect(ms).toBeGreaterThanOrEqual(25 * 2 ** n - 1);
  for (let n = 0; n < 10; n++) backoff.fail();
  const abort = new AbortController();
  const waiting = backoff.wait(abort.signal);
  const began = performance.now();
  abort.abort();
  await waiting;
  expect(performance.now() - began).toBeLessThan(500);
});
