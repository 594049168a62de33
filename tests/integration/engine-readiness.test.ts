/** The capacity that engines give, with fake ones: they have no GPU, and can be killed. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { Admission } from "../../src/server/admission.ts";
import { servedCapacity } from "../../src/server/capacity.ts";
import type { EngineScheduler } from "../../src/server/engines/scheduler.ts";
import { fakeScheduler } from "../support/test-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

const served = (engines: EngineScheduler, devices: string[], places: number) =>
  servedCapacity({ engines, devices, admission: new Admission(places), full: places });

test("a device that turns out to be missing gives no capacity, and none does before an engine is ready", async () => {
  const devices = ["cpu", "cuda:0"];
  const scheduler = fakeScheduler({ devices, fallback: "cpu" });
  try {
    const capacity = served(scheduler, devices, 12);
    expect(capacity.total).toBe(0);
    await waitFor("both are tried", () => scheduler.engines.some(({ state }) => state === "unfit"));
    await waitFor("the other is ready", () => capacity.total > 0);
    expect(scheduler.workingDevices).toEqual(["cpu"]);
    expect(capacity.total).toBe(4);
  } finally {
    await scheduler.close(AbortSignal.timeout(2000));
  }
});

test("an engine that is replaced is no loss; one that never stays alive is", async () => {
  const scheduler = fakeScheduler();
  try {
    const capacity = served(scheduler, ["cpu"], 4);
    await scheduler.ready(5000);
    const kill = async () => {
      await waitFor("an engine", () => scheduler.engines[0]?.state === "ready");
      const pid = scheduler.engines[0]?.pid ?? 0;
      const { changed } = capacity;
      process.kill(pid, "SIGKILL");
      await changed;
      await waitFor("its death", () => scheduler.engines[0]?.pid !== pid);
    };
    await kill();
    expect([capacity.total, scheduler.state]).toEqual([4, "ready"]);
    for (let n = 0; n < 4; n++) await kill();
    expect(capacity.total).toBe(0);
    await waitFor("it works again", () => capacity.total === 4, 10_000);
  } finally {
    await scheduler.close(AbortSignal.timeout(2000));
  }
});
