import { expect, test } from "bun:test";
import { WorkerError } from "../../../../src/errors.ts";
import { type RunningJob, within } from "../../../../src/server/http/job-deadline.ts";

const never = new AbortController().signal;
const caller = { signal: never };
const forever = () => new Promise<never>(() => {});
/** Reads its signal, as a job that waits for something does. */
const waiting = async (job: RunningJob): Promise<never> => {
  job.signal.throwIfAborted();
  return await forever();
};
const thrown = (job: Promise<unknown>) => job.catch((why: unknown) => why);

test("work that ends in time returns its result", async () => {
  expect(await within({ deadline: 1000, caller, closing: never }, async () => 5)).toBe(5);
});

test("work beyond its deadline is aborted and fails with a timeout", async () => {
  let reported: unknown = null;
  const job = within({ deadline: 5, caller, closing: never }, ({ signal }) => {
    signal.addEventListener("abort", () => {
      reported = signal.reason;
    });
    return forever();
  });
  const error = await thrown(job);
  expect(error).toMatchObject({ kind: "timeout", message: expect.stringContaining("5 ms") });
  expect(reported).toBe(error);
});

test("work that goes on beyond its deadline is told so, also where it has not read its signal", async () => {
  const jobs: RunningJob[] = [];
  const job = within({ deadline: 5, caller, closing: never }, (given) => {
    given.throwIfEnded();
    jobs.push(given);
    return forever();
  });
  const error = await thrown(job);
  expect(error).toMatchObject({ kind: "timeout" });
  expect(() => jobs[0]?.throwIfEnded()).toThrow("the job took longer than 5 ms");
  expect(jobs[0]?.signal.reason).toBe(error);
});

test("work that waits is aborted when its caller leaves, or has left before it starts", async () => {
  const gone = new AbortController();
  const left = within({ deadline: 1000, caller: gone, closing: never }, waiting);
  gone.abort();
  expect(await thrown(left)).toMatchObject({ kind: "timeout", message: "the caller is gone" });
  const late = within({ deadline: 1000, caller: gone, closing: never }, waiting);
  expect(await thrown(late)).toMatchObject({ kind: "timeout", message: "the caller is gone" });
});

test("work is aborted when the server ends, even before it starts", async () => {
  const closing = new AbortController();
  const reason = new WorkerError("at_capacity", "the server is shutting down");
  const running = within({ deadline: 1000, caller, closing: closing.signal }, waiting);
  closing.abort(reason);
  expect(await thrown(running)).toBe(reason);
  const late = within({ deadline: 1000, caller, closing: closing.signal }, forever);
  expect(await thrown(late)).toBe(reason);
});

test("a job that waits for nothing does not ask for its caller's signal", async () => {
  let asked = 0;
  const counted = {
    get signal() {
      asked++;
      return never;
    },
  };
  await within({ deadline: 1000, caller: counted, closing: never }, async () => 5);
  expect(asked).toBe(0);
});
