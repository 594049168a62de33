/** Runners that take their next run shortly before the last has ended. */
import { expect, spyOn, test } from "bun:test";
import { type Job, LEAD_MS } from "../../../../src/engine/device/job.ts";
import { DeviceScheduler } from "../../../../src/engine/device/scheduler.ts";
import { failureOf, ManualRunner, settled } from "../../../support/manual-runner.ts";

const RUN_MS = 30;

/** One lane on a clock that the test sets, and a runner that queues and is known to take 30 ms. */
async function device({ maxBatch = 1 } = {}) {
  const clock = { now: 0 };
  const log: string[] = [];
  const begun: string[] = [];
  const scheduler = new DeviceScheduler({ lanes: 1, now: () => clock.now });
  const runner = new ManualRunner(log, maxBatch);
  runner.queues = true;
  const submit = (item: string, to = runner, job: Partial<Job<string>> = {}) => {
    const stream = item.slice(0, 1);
    const onStart = () => void begun.push(item);
    const batchKey = maxBatch === 1 ? null : "512x512";
    const done = scheduler.submit(to, { stream, item, batchKey, onStart, ...job });
    done.catch(() => {});
    return done;
  };
  /** Begins one run of several items. */
  const runTogether = async (...items: readonly string[]) => {
    const other = new ManualRunner();
    void submit("x", other); // so that all of them wait
    for (const item of items) void submit(item);
    await other.last.finish();
  };
  const finish = async () => {
    clock.now += RUN_MS;
    await runner.last.finish();
  };
  await runTogether("z").then(finish);
  log.length = 0;
  begun.length = 0;
  return { clock, log, begun, scheduler, runner, submit, runTogether, finish };
}

test("a runner that queues gets its next run shortly before the last should end, and not earlier", async () => {
  const { clock, log, begun, runner, submit } = await device();
  void submit("a1");
  clock.now += RUN_MS - LEAD_MS - 1;
  void submit("a2");
  expect(log).toEqual(["a1"]);
  clock.now += 1;
  void submit("b1", new ManualRunner(log)); // anything makes the scheduler look
  expect(log).toEqual(["a1"]); // b is further behind
  await runner.last.finish();
  expect(log).toEqual(["a1", "b1"]);
  expect(begun).toEqual(["a1", "b1"]);
});

test("a run that was handed over early begins, and is charged, from when the last has ended", async () => {
  const { clock, log, begun, runner, submit } = await device();
  const first = submit("a1");
  clock.now += RUN_MS - 1;
  const second = submit("a2");
  expect(log).toEqual(["a1", "a2"]);
  expect(begun).toEqual(["a1"]);
  clock.now += 6;
  await runner.runs.at(-2)?.finish();
  expect(await first).toEqual({ result: "A1", ms: 35, batch: 1 });
  expect(begun).toEqual(["a1", "a2"]);
  clock.now += 20;
  await runner.last.finish();
  expect(await second).toEqual({ result: "A2", ms: 20, batch: 1 });
});

test("nobody has to look for the next run to be handed over in time", async () => {
  const { clock, log, submit } = await device();
  using timers = spyOn(globalThis, "setTimeout");
  void submit("a1");
  clock.now += 10;
  void submit("a2");
  const [look, ms] = timers.mock.calls.at(-1) ?? [];
  expect(ms).toBe(RUN_MS - 10 - LEAD_MS);
  clock.now += RUN_MS - 10 - LEAD_MS;
  (look as () => void)();
  expect(log).toEqual(["a1", "a2"]);
});

test("a runner that does not queue gets its next run when the last has ended", async () => {
  const { clock, log, runner, submit } = await device();
  runner.queues = false;
  void submit("a1");
  clock.now += RUN_MS;
  void submit("a2");
  expect(log).toEqual(["a1"]);
  await runner.last.finish();
  expect(log).toEqual(["a1", "a2"]);
});

test("a stream is charged for what it runs before its next run is handed over", async () => {
  const { clock, log, runner, submit } = await device();
  void submit("a1");
  clock.now += RUN_MS - 1;
  void submit("b1"); // b and a were equally far behind when a began
  expect(log).toEqual(["a1", "b1"]);
  void submit("a2");
  await runner.runs.at(-2)?.finish();
  await runner.last.finish();
  expect(log).toEqual(["a1", "b1", "a2"]);
});

test("the next batch is handed over when all streams are back that run in this one", async () => {
  const { clock, log, submit, runTogether, finish } = await device({ maxBatch: 4 });
  await runTogether("a0", "b0", "c0").then(finish); // it is known how long three take
  log.length = 0;
  await runTogether("a1", "b1", "c1");
  clock.now += RUN_MS - 1;
  for (const item of ["a2", "b2"]) void submit(item);
  expect(log).toEqual(["a1+b1+c1"]);
  void submit("c2");
  expect(log).toEqual(["a1+b1+c1", "a2+b2+c2"]);
});

test("a full batch is handed over whoever else is still away", async () => {
  const { clock, log, submit, runTogether, finish } = await device({ maxBatch: 2 });
  await runTogether("a0", "b0").then(finish);
  log.length = 0;
  await runTogether("a1", "b1");
  clock.now += RUN_MS - 1;
  for (const item of ["b2", "c1"]) void submit(item);
  expect(log).toEqual(["a1+b1", "c1+b2"]);
});

test("a stream that was back before its run had ended is waited for a moment, and not for as long as a run", async () => {
  const { clock, log, runner, submit, runTogether, finish } = await device({ maxBatch: 4 });
  await runTogether("a0", "b0").then(finish);
  clock.now += 20; // too long to be waited for
  await runTogether("a1", "b1");
  for (let round = 2; round <= 12; round++) {
    clock.now += RUN_MS - 1;
    for (const stream of ["a", "b"]) void submit(`${stream}${round}`);
    clock.now += 1;
    await runner.runs.at(-2)?.finish();
  }
  clock.now += RUN_MS;
  void submit("a13");
  log.length = 0;
  await runner.last.finish();
  expect(log).toEqual([]);
  clock.now += 0.5;
  void submit("b13");
  expect(log).toEqual(["a13+b13"]);
  await finish();
  clock.now += 5;
  void submit("a14");
  expect(log).toEqual(["a13+b13", "a14"]);
});

test("what was handed to a runner that hangs is refused with what waits for it", async () => {
  const { clock, log, begun, scheduler, runner, submit } = await device();
  void submit("a1");
  clock.now += RUN_MS - 1;
  const [next, waiting] = [submit("b1"), submit("c1")];
  const other = new ManualRunner(log);
  expect(log).toEqual(["a1", "b1"]);
  const hangs = new Error("it hangs");
  scheduler.abandon(runner, hangs);
  expect(await failureOf(next)).toBe(hangs);
  expect(await failureOf(waiting)).toBe(hangs);
  void submit("d1", other);
  expect(log).toEqual(["a1", "b1", "d1"]);
  expect(begun).toEqual(["a1", "d1"]);
  await runner.last.finish(); // what it still ends does no harm
  await other.last.finish();
  await settled();
});

test("a run that was handed over early and fails leaves the one before it alone", async () => {
  const { clock, runner, submit } = await device();
  const first = submit("a1");
  clock.now += RUN_MS - 1;
  const second = submit("a2");
  await runner.last.fail(new Error("refused"));
  expect(await failureOf(second)).toEqual(new Error("refused"));
  clock.now += 1;
  await runner.runs.at(-2)?.finish();
  expect(await first).toEqual({ result: "A1", ms: RUN_MS, batch: 1 });
  const third = submit("a3");
  clock.now += 10;
  await runner.last.finish();
  expect(await third).toEqual({ result: "A3", ms: 10, batch: 1 });
});

test("a run takes turns with another of its thread, however long that takes, and needs no lane", async () => {
  const log: string[] = [];
  const scheduler = new DeviceScheduler({ lanes: 1, now: () => 0 });
  const [slow, quick, stranger] = [
    new ManualRunner(log),
    new ManualRunner(log),
    new ManualRunner(log),
  ];
  slow.thread = quick.thread = {};
  const job = (stream: string) => ({ stream, item: stream, batchKey: null });
  const slowly = scheduler.submit(slow, job("slow"));
  void scheduler.submit(stranger, job("stranger"));
  expect(log).toEqual(["slow"]); // there is one lane
  void scheduler.submit(quick, job("quick"));
  expect(log).toEqual(["slow", "quick"]);
  await quick.last.finish();
  expect(log).toEqual(["slow", "quick"]);
  await slow.last.finish();
  expect(log).toEqual(["slow", "quick", "stranger"]);
  await slowly;
});
