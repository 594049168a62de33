/** Silence is reported once, after its time, and only while something is due. */
import { expect, test } from "bun:test";
import { SilenceTimer } from "../../../../src/trickle/client/silence-timer.ts";
import { waitFor } from "../../../support/wait-for.ts";

function timerOf(afterMs: number) {
  let silences = 0;
  const timer = new SilenceTimer({ afterMs, onSilence: () => silences++ });
  return { timer, silences: () => silences };
}

test("silence is reported once for each start", async () => {
  const { timer, silences } = timerOf(20);
  const began = performance.now();
  timer.start();
  await waitFor("the report", () => silences() === 1);
  expect(performance.now() - began).toBeGreaterThanOrEqual(20);
  await Bun.sleep(50);
  expect(silences()).toBe(1);
  timer.start();
  await waitFor("the second", () => silences() === 2);
});

test("a restart begins anew, a second start does not", async () => {
  const { timer, silences } = timerOf(60);
  timer.start();
  const until = performance.now() + 150;
  while (performance.now() < until) {
    timer.restart();
    await Bun.sleep(10);
  }
  expect(silences()).toBe(0);
  const began = performance.now();
  while (silences() === 0) {
    timer.start();
    await Bun.sleep(10);
  }
  expect(performance.now() - began).toBeLessThan(1000);
});

test("after a stop, and for good after a disposal, nothing is reported", async () => {
  const { timer, silences } = timerOf(10);
  timer.start();
  timer.stop();
  const disposed = timerOf(10);
  disposed.timer.dispose();
  disposed.timer.start();
  const other = timerOf(40);
  other.timer.start();
  await waitFor("a later one", () => other.silences() === 1);
  expect([silences(), disposed.silences()]).toEqual([0, 0]);
});
