import { expect, test } from "bun:test";
import { type Job, TooLate } from "../../../../src/engine/device/job.ts";
import { DeviceScheduler } from "../../../../src/engine/device/scheduler.ts";
import { failureOf, ManualRunner } from "../../../support/manual-runner.ts";
import { waitFor } from "../../../support/wait-for.ts";

/** A scheduler on a clock that the test sets, unless it has another, and runners that note what they run in one log. */
function device(lanes: number, now?: () => number) {
  const clock = { now: 0 };
  const log: string[] = [];
  const scheduler = new DeviceScheduler({ lanes, now: now ?? (() => clock.now) });
  /** Submits a job whose item is the name of its stream. */
  const submit = (runner: ManualRunner, stream: string, job: Partial<Job<string>> = {}) => {
    const done = scheduler.submit(runner, { stream, item: stream, batchKey: null, ...job });
    done.catch(() => {});
    return done;
  };
  /** Submits a job whose end is of no interest. */
  const queue = (...job: Parameters<typeof submit>): void => void submit(...job);
  /** Runs one job from beginning to end. */
  const runFor = async (runner: ManualRunner, stream: string, ms: number) => {
    queue(runner, stream);
    clock.now += ms;
    await runner.last.finish();
  };
  return { clock, log, scheduler, submit, queue, runFor, runner: () => new ManualRunner(log) };
}

test("a job gets its own result and what its stream is charged", async () => {
  const { clock, submit, runner } = device(1);
  const only = runner();
  const done = submit(only, "a");
  clock.now = 40;
  await only.last.finish();
  expect(await done).toEqual({ result: "A", ms: 40, batch: 1 });
});

test("no more run at once than there are lanes", async () => {
  const { log, queue, runner } = device(2);
  const first = runner();
  queue(first, "a");
  queue(runner(), "b");
  queue(runner(), "c");
  expect(log).toEqual(["a", "b"]);
  await first.last.finish();
  expect(log).toEqual(["a", "b", "c"]);
});

test("a runner that is busy leaves the free lane to another", async () => {
  const { log, queue, runner } = device(2);
  const [busy, free] = [runner(), runner()];
  queue(busy, "a");
  queue(busy, "b");
  queue(free, "c");
  expect(log).toEqual(["a", "c"]);
  await free.last.finish();
  expect(log).toEqual(["a", "c"]);
  await busy.last.finish();
  expect(log).toEqual(["a", "c", "b"]);
});

test("a job whose signal aborts while it waits is passed over, with the signal's reason", async () => {
  const { log, scheduler, submit, queue, runner } = device(1);
  const first = runner();
  queue(first, "a");
  const stop = new AbortController();
  const second = submit(runner(), "b", { signal: stop.signal });
  queue(runner(), "c");
  stop.abort(new Error("viewer left"));
  expect(await failureOf(second)).toEqual(new Error("viewer left"));
  await first.last.finish();
  expect(log).toEqual(["a", "c"]);
  const job = { stream: "d", item: "d", batchKey: null, signal: stop.signal };
  expect(await failureOf(scheduler.submit(runner(), job))).toEqual(new Error("viewer left"));
});

test("a job whose signal aborts while it runs gets its result", async () => {
  const { submit, runner } = device(1);
  const only = runner();
  const stop = new AbortController();
  const done = submit(only, "a", { signal: stop.signal });
  stop.abort(new Error("viewer left"));
  await only.last.finish();
  expect((await done).result).toBe("A");
});

test("a closed scheduler refuses jobs that wait and jobs that come; a run in progress ends as usual", async () => {
  const { log, scheduler, submit, runner } = device(1);
  const first = runner();
  const running = submit(first, "a");
  const waiting = submit(runner(), "b");
  scheduler.throwIfClosed();
  scheduler.close(new Error("closing"));
  expect(await failureOf(waiting)).toEqual(new Error("closing"));
  expect(await failureOf(submit(runner(), "c"))).toEqual(new Error("closing"));
  expect(() => scheduler.throwIfClosed()).toThrow("closing");
  await first.last.finish();
  expect((await running).result).toBe("A");
  expect(log).toEqual(["a"]);
});

test("a run that fails fails its own job alone, and is charged", async () => {
  const { clock, log, submit, queue, runner } = device(1);
  const [failing, other] = [runner(), runner()];
  const failed = submit(failing, "a");
  queue(failing, "a", { item: "a again" });
  queue(other, "b");
  clock.now = 10;
  await failing.last.fail(new Error("out of memory"));
  expect(await failureOf(failed)).toEqual(new Error("out of memory"));
  await other.last.finish();
  // Stream a has used 10 ms and stream b nothing, so b's next job comes first.
  expect(log).toEqual(["a", "b", "a again"]);
});

test("a failed run does not make a long runner count as a short one", async () => {
  const { clock, log, queue, runFor, runner } = device(1);
  const [long, failing] = [runner(), runner()];
  await runFor(long, "long", 300);
  await runFor(failing, "other", 300);
  queue(failing, "other");
  await failing.last.fail(new Error("bad input")); // at once
  queue(long, "long");
  clock.now += 10;
  queue(failing, "other");
  expect(log).toEqual(["long", "other", "other", "long"]);
});

test("a runner that returns too few results fails its jobs", async () => {
  const { scheduler } = device(1);
  const runner = { maxBatch: 1, run: async () => [] };
  const done = scheduler.submit(runner, { stream: "a", item: "a", batchKey: null });
  expect(await failureOf(done)).toEqual(new Error("a run of 1 items returned 0 results"));
});

test("a job whose deadline passes while it waits is refused, and costs its stream nothing", async () => {
  const { clock, log, submit, queue, runner } = device(1);
  const first = runner();
  queue(first, "a");
  const late = submit(runner(), "b", { deadline: 20 });
  clock.now = 30;
  queue(runner(), "b", { deadline: 40 });
  queue(runner(), "c", { deadline: 40 });
  expect(await failureOf(late)).toBeInstanceOf(TooLate);
  clock.now = 40;
  await first.last.finish();
  // Neither has used the device, so the one that came first runs first.
  expect(log).toEqual(["a", "b"]);
});

test("a deadline that has passed already refuses the job at once", async () => {
  const { clock, log, submit, runner } = device(1);
  clock.now = 50;
  expect(await failureOf(submit(runner(), "a", { deadline: 49 }))).toBeInstanceOf(TooLate);
  expect(log).toEqual([]);
});

test("a job learns that it is too late at its deadline, not at its turn", async () => {
  const { submit, queue, runner } = device(1, () => performance.now());
  const busy = runner();
  queue(busy, "a");
  const deadline = performance.now() + 20;
  const late = submit(busy, "b", { deadline }).catch((error: unknown) => error);
  expect(await late).toBeInstanceOf(TooLate);
  expect(performance.now() - deadline).toBeWithin(0, 150);
  await busy.last.finish();
});

test("a run that takes far longer than usual lets another one in, gives up its lane, and ends later without harm", async () => {
  const { log, queue, runner } = device(1, () => performance.now());
  const [hung, other, third, fourth] = [runner(), runner(), runner(), runner()];
  queue(hung, "hung");
  await hung.last.finish(); // its usual duration: nothing
  const begun = performance.now();
  queue(hung, "hung");
  queue(other, "other");
  await waitFor("the next run", () => log.length === 3);
  expect(performance.now() - begun).toBeWithin(50, 200);
  queue(third, "third");
  await waitFor("the run after that", () => log.length === 4);
  expect(performance.now() - begun).toBeGreaterThan(200);
  queue(fourth, "fourth");
  await hung.last.finish();
  await other.last.finish();
  expect(log).toEqual(["hung", "hung", "other", "third"]);
  await third.last.finish();
  expect(log).toEqual(["hung", "hung", "other", "third", "fourth"]);
});

test("late runs let in one more together, not one each", async () => {
  const { clock, log, queue, runner } = device(2);
  const [first, second] = [runner(), runner()];
  for (const each of [first, second]) {
    queue(each, "short");
    clock.now += 10;
    await each.last.finish();
  }
  queue(first, "late 1");
  queue(second, "late 2");
  clock.now += 100; // four times what is expected is 40
  for (const stream of ["a", "b", "c"]) queue(runner(), stream);
  expect(log).toEqual(["short", "short", "late 1", "late 2", "a"]);
});

test("a run that becomes overdue while the scheduler looks does not stop it", async () => {
  let now = 0;
  let step = 0;
  const { log, queue, runner } = device(1, () => (now += step));
  const [hung, other] = [runner(), runner()];
  queue(hung, "hung");
  await hung.last.finish();
  queue(hung, "hung");
  now = 249.999; // overdue at 250
  step = 0.0008;
  queue(other, "other");
  await waitFor("the next run", () => log.length === 3);
  expect(log).toEqual(["hung", "hung", "other"]);
});

test("an abandoned runner's jobs are refused and its run gives up its lane; no other job is touched", async () => {
  const { log, scheduler, submit, queue, runner } = device(1);
  const [hung, other] = [runner(), runner()];
  const running = submit(hung, "a");
  const waiting = submit(hung, "b");
  queue(other, "c");
  scheduler.abandon(hung, new Error("a run hangs"));
  expect(await failureOf(waiting)).toEqual(new Error("a run hangs"));
  expect(log).toEqual(["a", "c"]);
  expect(await failureOf(submit(hung, "d"))).toEqual(new Error("a run hangs"));
  await hung.last.finish();
  expect((await running).result).toBe("A");
  expect(log).toEqual(["a", "c"]);
});

test("a stream is charged for an abandoned run until it was abandoned, and once", async () => {
  const { clock, scheduler, submit, runner } = device(1);
  const hung = runner();
  const running = submit(hung, "a");
  clock.now = 100;
  scheduler.abandon(hung, new Error("a run hangs"));
  clock.now = 5000;
  await hung.last.finish();
  expect((await running).ms).toBe(100);
});

test("of short runs one goes beside a long one, and the next beside neither", async () => {
  const { clock, log, queue, runFor, runner } = device(1);
  const [long, first, second] = [runner(), runner(), runner()];
  await runFor(long, "x", 300);
  await runFor(first, "y", 1);
  await runFor(second, "z", 1);
  log.length = 0;
  queue(long, "long");
  clock.now += 10;
  queue(first, "first");
  queue(second, "second");
  expect(log).toEqual(["long", "first"]);
  await first.last.finish();
  expect(log).toEqual(["long", "first", "second"]);
});

test("the first run of a new stream, if it is expected to be long, keeps no short ones out", async () => {
  const { clock, log, queue, runFor, runner } = device(1);
  const [long, short] = [runner(), runner()];
  // A neighbour that has used the device for a while: a new stream comes with credit against it.
  for (let run = 0; run < 200; run++) await runFor(short, "neighbour", 10);
  log.length = 0;
  queue(long, "new", { expectedMs: 1000 });
  clock.now += 15;
  queue(short, "neighbour");
  expect(log).toEqual(["new", "neighbour"]);
});

test("a run that should have been short lets a short one in beside it once it has taken eight times as long", async () => {
  const { clock, log, scheduler, queue, runFor, runner } = device(1);
  const [large, short] = [runner(), runner()];
  await runFor(short, "neighbour", 2);
  log.length = 0;
  queue(large, "new", { expectedMs: 1 }); // as its warm-up found for each pixel, at another size
  queue(short, "neighbour");
  clock.now += 15;
  scheduler.abandon(runner(), new Error("any look at what waits"));
  expect(log).toEqual(["new"]);
  clock.now += 1;
  await waitFor("a look of the scheduler's own", () => log.length === 2);
  expect(log).toEqual(["new", "neighbour"]);
});

test("a short runner that was slow for some runs, as the machine was busy, still counts as short", async () => {
  const { clock, log, queue, runFor, runner } = device(1);
  const [long, short] = [runner(), runner()];
  await runFor(long, "any", 300);
  for (const ms of [1, 60, 60, 60, 60, 60, 60, 60]) await runFor(short, "any", ms);
  log.length = 0;
  queue(long, "long");
  clock.now += 1;
  queue(short, "short");
  expect(log).toEqual(["long", "short"]);
});
