import { expect, test } from "bun:test";
import type { Job } from "../../../../src/engine/device/job.ts";
import { DeviceScheduler } from "../../../../src/engine/device/scheduler.ts";
import { simulate } from "../../../support/device-simulation.ts";
import { failureOf, ManualRunner } from "../../../support/manual-runner.ts";
import { waitFor } from "../../../support/wait-for.ts";

/** One lane on a clock that the test sets, and a runner that takes up to four items at once. */
function device() {
  const clock = { now: 0 };
  const log: string[] = [];
  const scheduler = new DeviceScheduler({ lanes: 1, now: () => clock.now });
  const batches = new ManualRunner(log, 4);
  const submit = (item: string, job: Partial<Job<string>> = {}, runner = batches) => {
    const stream = item.slice(0, 1);
    const done = scheduler.submit(runner, { stream, item, batchKey: "512x512", ...job });
    done.catch(() => {});
    return done;
  };
  /** Submits a job whose end is of no interest. */
  const queue = (...job: Parameters<typeof submit>): void => void submit(...job);
  /** Occupies the lane, so that jobs wait. */
  const occupy = () => {
    const other = new ManualRunner([]);
    queue("x", {}, other);
    return other.last;
  };
  /** Ends the run in progress after this time. */
  const finish = async (ms: number, runner = batches) => {
    clock.now += ms;
    await runner.last.finish();
  };
  return { clock, log, scheduler, batches, submit, queue, occupy, finish };
}

test("jobs of several streams with one key run together, and each is charged its share", async () => {
  const { clock, log, batches, submit, occupy } = device();
  const other = occupy();
  const done = ["a", "b", "c"].map((item) => submit(item));
  await other.finish();
  expect(log).toEqual(["a+b+c"]);
  clock.now = 30;
  await batches.last.finish();
  expect(await Promise.all(done)).toEqual(
    ["A", "B", "C"].map((result) => ({ result, ms: 10, batch: 3 })),
  );
});

test("a stream whose job ran in a batch has used no more than its share", async () => {
  const { log, batches, queue, occupy, finish } = device();
  const first = occupy();
  for (const item of ["a", "b", "c"]) queue(item);
  await first.finish();
  await finish(30);
  queue("d");
  await finish(20);
  log.length = 0;
  const other = occupy();
  queue("d", { batchKey: null });
  queue("a", { batchKey: null });
  await other.finish();
  await batches.last.finish();
  expect(log).toEqual(["a", "d"]);
});

test("jobs with another key, with none, and of another runner stay out of a batch", async () => {
  const { log, batches, queue, occupy } = device();
  const other = occupy();
  queue("a");
  queue("b", { batchKey: "64x64" });
  queue("c", { batchKey: null });
  queue("d", {}, new ManualRunner(log, 4));
  queue("e");
  await other.finish();
  expect(log).toEqual(["a+e"]);
  await batches.last.finish();
  expect(log).toEqual(["a+e", "b"]);
});

test("two jobs without a key do not run together", async () => {
  const { log, queue, occupy } = device();
  const other = occupy();
  queue("a", { batchKey: null });
  queue("b", { batchKey: null });
  await other.finish();
  expect(log).toEqual(["a"]);
});

test("a full batch has the first job of each stream, those furthest behind first, before the second of any", async () => {
  const { log, batches, queue, occupy, finish } = device();
  const before = new ManualRunner([]);
  queue("f", {}, before);
  await finish(50, before); // f is ahead of all others
  const other = occupy();
  for (const item of ["f1", "a1", "a2", "b1", "c1", "a3"]) queue(item);
  await other.finish();
  expect(log).toEqual(["a1+b1+c1+f1"]);
  await batches.last.finish();
  expect(log).toEqual(["a1+b1+c1+f1", "a2+a3"]);
});

test("a runner's limit is read before each run", async () => {
  const { scheduler } = device();
  const sizes: number[] = [];
  const runner = {
    maxBatch: 1,
    run: async (items: readonly string[]) => {
      sizes.push(items.length);
      return items;
    },
  };
  const round = () =>
    ["a", "b", "c"].map((stream) =>
      scheduler.submit(runner, { stream, item: stream, batchKey: "same" }),
    );
  await Promise.all(round());
  runner.maxBatch = 8;
  await Promise.all(round());
  expect(sizes).toEqual([1, 1, 1, 1, 2]);
});

test("a stream with many frames gets no more of the device than its share", async () => {
  const batched = { ms: (items: number) => 40 + 10 * items, maxBatch: 4 };
  const alone = { ms: () => 50 };
  const frames = Array.from({ length: 6 }, () => ({ name: "many", runner: batched }));
  const runs = await simulate(1, 30_000, [
    ...frames,
    { name: "few", runner: batched },
    { name: "other", runner: alone },
  ]);
  // The neighbour in the batch has every run that it can have: one per batch.
  expect(runs.meanBatch("few")).toBeGreaterThan(3);
  // The other runner's stream has a third of the time.
  expect(runs.count("other") * 50).toBeGreaterThan(10_000 - 500);
});

test("streams that share batches are served evenly", async () => {
  const batched = { ms: (items: number) => 40 + 10 * items, maxBatch: 4 };
  const runs = await simulate(1, 30_000, [
    ...["a", "b", "c", "d"].map((name) => ({ name, runner: batched })),
    { name: "alone", runner: { ms: () => 50 } },
  ]);
  const counts = ["a", "b", "c", "d"].map((name) => runs.count(name));
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2);
});

test("streams that share a runner run in full batches, not in two groups that take turns", async () => {
  const batched = { ms: (items: number) => 30 + 2 * items, maxBatch: 4 };
  const streams = ["a", "b", "c", "d"].map((name, index) => ({
    name,
    runner: batched,
    gapMs: 2 + index,
  }));
  const runs = await simulate(1, 10_000, streams);
  expect(runs.meanBatch("a", 1000)).toBeGreaterThan(3.5);
});

test("two streams find out that a batch pays, though one of them always runs while the other waits", async () => {
  const batched = { ms: (items: number) => 30 + 2 * items, maxBatch: 2 };
  const streams = ["a", "b"].map((name) => ({ name, runner: batched, gapMs: 3 }));
  const runs = await simulate(1, 10_000, streams);
  expect(runs.meanBatch("a", 1000)).toBeGreaterThan(1.9);
});

test("nobody waits for companions where batches save nothing", async () => {
  const linear = (maxBatch: number) => ({ ms: (items: number) => 30 * items, maxBatch });
  const frames = async (maxBatch: number) => {
    const shared = linear(maxBatch);
    const streams = ["a", "b"].map((name) => ({ name, runner: shared, gapMs: 3 }));
    const runs = await simulate(1, 10_000, streams);
    return runs.count("a") + runs.count("b");
  };
  expect(await frames(2)).toBeGreaterThanOrEqual((await frames(1)) - 1);
});

/** A device on which stream b's job waits for stream a, which came back 2 ms after its last run. */
async function waitingForA() {
  const { clock, queue, finish, log, ...rest } = device();
  for (const item of ["a", "b"]) queue(item);
  await finish(30);
  clock.now += 2;
  queue("a");
  await finish(28);
  clock.now += 2;
  queue("b");
  await finish(28);
  expect(log).toEqual(["a", "b", "a"]);
  log.length = 0;
  return { clock, queue, finish, log, ...rest };
}

test("a companion that comes back starts the batch", async () => {
  const { log, queue } = await waitingForA();
  queue("a");
  expect(log).toEqual(["b+a"]);
});

test("a companion that does not come back is not waited for much longer than it usually takes", async () => {
  const { clock, log } = await waitingForA();
  clock.now += 4;
  await waitFor("the job to run alone", () => log.length === 1);
  expect(log).toEqual(["b"]);
});

test("a job with a deadline waits for no companion beyond it", async () => {
  const { clock, log, queue } = await waitingForA();
  queue("b", { deadline: clock.now + 1 });
  expect(log).toEqual(["b+b"]);
});

test("while a job waits for a companion the lane is another runner's", async () => {
  const { log, queue } = await waitingForA();
  queue("x", {}, new ManualRunner(log));
  expect(log).toEqual(["x"]);
});

test("a job with another key does not wait for the companions of the first", async () => {
  const { log, queue } = await waitingForA();
  queue("c", { batchKey: "64x64" });
  expect(log).toEqual(["c"]);
});

test("a batch that fails fails all its jobs, and afterwards they run apart for a while", async () => {
  const { clock, log, batches, submit, queue, occupy, finish } = device();
  const other = occupy();
  const failed = ["a", "b"].map((item) => submit(item));
  await other.finish();
  clock.now = 10;
  await batches.last.fail(new Error("index out of range"));
  for (const done of failed) expect(await failureOf(done)).toEqual(new Error("index out of range"));
  const bad = submit("a");
  const good = ["b", "c"].map((item) => submit(item));
  await batches.last.fail(new Error("index out of range"));
  expect(await failureOf(bad)).toEqual(new Error("index out of range"));
  await finish(10);
  await finish(10);
  expect(await Promise.all(good)).toHaveLength(2);
  clock.now += 10_000;
  const again = occupy();
  for (const item of ["a", "b", "c"]) queue(item);
  await again.finish();
  expect(log).toEqual(["a+b", "a", "c", "b", "a+c+b"]);
});

test("jobs that were aborted, or came too late, leave the batch to the others", async () => {
  const { clock, log, queue, occupy } = device();
  const other = occupy();
  const stop = new AbortController();
  queue("a", { signal: stop.signal });
  queue("b", { deadline: 10 });
  queue("c");
  queue("d");
  stop.abort();
  clock.now = 11;
  await other.finish();
  expect(log).toEqual(["c+d"]);
});

test("beside a long run a batch is only as large as keeps it short", async () => {
  const { clock, log, queue, finish } = device();
  const long = new ManualRunner([]);
  queue("x", {}, long);
  await finish(250, long);
  for (const item of ["a", "b", "c"]) queue(item);
  await finish(20); // a
  await finish(40); // b+c
  log.length = 0;
  queue("x", {}, long);
  clock.now += 40;
  // An eighth of 250 ms has room for 20 ms, but not for 40.
  for (const item of ["d", "e", "f"]) queue(item);
  expect(log).toEqual(["d"]);
  await finish(20);
  expect(log).toEqual(["d", "e"]);
});

test("beside a batch a stream is behind those in it by what each of them has used", async () => {
  const { clock, log, queue, occupy, finish } = device();
  const [short, long] = [new ManualRunner(log), new ManualRunner(log, 2)];
  queue("a", {}, long);
  for (const item of ["a", "b"]) queue(item, {}, long);
  await finish(400, long);
  await finish(400, long);
  for (let run = 0; run < 30; run++) {
    queue("s", {}, short);
    await finish(20, short);
  }
  log.length = 0;
  // Stream s is 20 ms ahead of the device.
  const other = occupy();
  for (const item of ["a", "b"]) queue(item, {}, long);
  await other.finish();
  clock.now += 30;
  queue("s", {}, short);
  expect(log).toEqual(["b+a"]);
  clock.now += 20;
  queue("s", {}, short);
  expect(log).toEqual(["b+a", "s"]);
});
