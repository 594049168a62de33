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

test.each([
  ["dies before it is ready", "dies", "cpu"],
  ["finds its device unusable", "", "cuda:3"],
])(
  "an engine that %s is tried again once its libraries are repaired",
  async (_, engine, device) => {
    let repairs = 0;
    const repair = (env: Record<string, string>) => {
      repairs++;
      env["FAKE_ENGINE"] = "any device";
      return ["libonnxruntime.so.1"];
    };
    const scheduler = fakeScheduler({ engine, devices: [device], repair });
    try {
      await scheduler.ready(5000);
      expect(repairs).toBe(1);
    } finally {
      await scheduler.close(AbortSignal.timeout(2000));
    }
  },
);

test("an engine whose libraries are whole is not repaired again and again, and its device is missing", async () => {
  let asked = 0;
  const repair = () => {
    asked++;
    return [];
  };
  const [missing, dying] = [
    fakeScheduler({ devices: ["cuda:3"], repair }),
    fakeScheduler({ engine: "dies", repair }),
  ];
  try {
    expect((await missing.unfit).message).toContain("cuda:3 is not there");
    await waitFor("several deaths", () => (dying.engines[0]?.restarts ?? 0) >= 3);
    expect(asked).toBe(2);
  } finally {
    await Promise.all([missing, dying].map((one) => one.close(AbortSignal.timeout(2000))));
  }
});
