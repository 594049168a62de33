/** Which part of the devices works, with fake engines: they have no GPU, and can be killed. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { engineReadiness } from "../../src/server/protocols/byoc/registration/readiness.ts";
import { fakeScheduler } from "../support/test-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

test("a device that turns out to be missing takes no part, and nothing does before an engine is ready", async () => {
  const devices = ["cpu", "cuda:0"];
  const scheduler = fakeScheduler({ devices, fallback: "cpu" });
  try {
    const readiness = engineReadiness(scheduler, devices);
    expect(readiness.share).toBe(0);
    await waitFor("both are tried", () => scheduler.engines.some(({ state }) => state === "unfit"));
    await waitFor("the other is ready", () => readiness.share > 0);
    expect(scheduler.workingDevices).toEqual(["cpu"]);
    expect(readiness.share).toBeCloseTo(4 / 12);
  } finally {
    await scheduler.close(AbortSignal.timeout(2000));
  }
});

test("an engine that is replaced is no loss; one that never stays alive is", async () => {
  const scheduler = fakeScheduler();
  try {
    const readiness = engineReadiness(scheduler, ["cpu"]);
    await scheduler.ready(5000);
    const kill = async () => {
      await waitFor("an engine", () => scheduler.engines[0]?.state === "ready");
      const pid = scheduler.engines[0]?.pid ?? 0;
      const { changed } = readiness;
      process.kill(pid, "SIGKILL");
      await changed;
      await waitFor("its death", () => scheduler.engines[0]?.pid !== pid);
    };
    await kill();
    expect([readiness.share, scheduler.state]).toEqual([1, "ready"]);
    for (let n = 0; n < 4; n++) await kill();
    expect(readiness.share).toBe(0);
    await waitFor("it works again", () => readiness.share === 1, 10_000);
  } finally {
    await scheduler.close(AbortSignal.timeout(2000));
  }
});
