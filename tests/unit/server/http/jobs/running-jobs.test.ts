import { expect, spyOn, test } from "bun:test";
import { WorkerError } from "../../../../../src/errors.ts";
import { type RunningJob, RunningJobs } from "../../../../../src/server/http/jobs/running-jobs.ts";

const caller = { signal: new AbortController().signal };
const forever = () => new Promise<never>(() => {});
/** Reads its signal, as a job that waits for something does. */
const waiting = async (job: RunningJob): Promise<never> => {
  job.signal.throwIfAborted();
  return await forever();
};
const thrown = (job: Promise<unknown>) => job.catch((why: unknown) => why);
const ends = (total: number, by = caller) => ({
  total,
  deadline: performance.now() + total,
  caller: by,
});

test("work that ends in time returns its result, and its error otherwise", async () => {
  const jobs = new RunningJobs();
  expect(await jobs.run(ends(1000), async () => 5)).toBe(5);
  const failed = jobs.run(ends(1000), async () => {
    throw new Error("no luck");
  });
  expect(await thrown(failed)).toMatchObject({ message: "no luck" });
});

test("work beyond its deadline is aborted and fails with a timeout", async () => {
  let reported: unknown = null;
  const job = new RunningJobs().run(ends(5), ({ signal }) => {
    signal.addEventListener("abort", () => {
      reported = signal.reason;
    });
    return forever();
  });
  const error = await thrown(job);
  expect(error).toMatchObject({ kind: "timeout", message: expect.stringContaining("5 ms") });
  expect(reported).toBe(error);
});

test("each job fails at its own deadline, whichever comes first", async () => {
  const jobs = new RunningJobs();
  const failed: number[] = [];
  const run = async (total: number) => {
    const error = await thrown(jobs.run(ends(total), forever));
    expect(error).toMatchObject({ message: expect.stringContaining(`${total} ms`) });
    failed.push(total);
  };
  const late = run(500);
  await Promise.all([run(5), jobs.run(ends(1), async () => {})]);
  expect(failed).toEqual([5]);
  await late;
  await run(5);
  expect(failed).toEqual([5, 500, 5]);
});

test("work that throws before it waits fails, and holds nothing", async () => {
  const jobs = new RunningJobs();
  const failed = jobs.run(ends(1000), () => {
    throw new Error("at once");
  });
  expect(await thrown(failed)).toMatchObject({ message: "at once" });
});

test("a job that is over does not listen to its caller, though its work goes on", async () => {
  const gone = new AbortController();
  const removed = spyOn(gone.signal, "removeEventListener");
  await thrown(new RunningJobs().run(ends(5, gone), waiting));
  expect(removed).toHaveBeenCalled();
});

test("work that goes on beyond its deadline is told so, also where it has not read its signal", async () => {
  const seen: RunningJob[] = [];
  const job = new RunningJobs().run(ends(5), (given) => {
    given.throwIfEnded();
    seen.push(given);
    return forever();
  });
  const error = await thrown(job);
  expect(error).toMatchObject({ kind: "timeout" });
  expect(() => seen[0]?.throwIfEnded()).toThrow("the job took longer than 5 ms");
  expect(seen[0]?.signal.reason).toBe(error);
});

test("work that waits is aborted when its caller leaves, or has left before it starts", async () => {
  const jobs = new RunningJobs();
  const gone = new AbortController();
  const left = jobs.run(ends(1000, gone), waiting);
  gone.abort();
  expect(await thrown(left)).toMatchObject({ kind: "timeout", message: "the caller is gone" });
  const late = jobs.run(ends(1000, gone), waiting);
  expect(await thrown(late)).toMatchObject({ kind: "timeout", message: "the caller is gone" });
});

test("work is aborted when the server ends, even before it starts", async () => {
  const jobs = new RunningJobs();
  const reason = new WorkerError("at_capacity", "the server is shutting down");
  const running = [jobs.run(ends(1000), waiting), jobs.run(ends(1000), forever)].map(thrown);
  jobs.close(reason);
  expect(await Promise.all(running)).toEqual([reason, reason]);
  let told: unknown = null;
  const late = jobs.run(ends(1000), async ({ signal }) => {
    told = signal.reason;
  });
  expect(await thrown(late)).toBe(reason);
  expect(told).toBe(reason);
});

test("a job that waits for nothing does not ask for its caller's signal", async () => {
  let asked = 0;
  const counted = {
    get signal() {
      asked++;
      return caller.signal;
    },
  };
  await new RunningJobs().run(ends(1000, counted), async () => 5);
  expect(asked).toBe(0);
});
