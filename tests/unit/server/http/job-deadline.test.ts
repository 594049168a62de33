import { expect, test } from "bun:test";
import { WorkerError } from "../../../../src/errors.ts";
import { within } from "../../../../src/server/http/job-deadline.ts";

const never = new AbortController().signal;
const forever = () => new Promise<never>(() => {});

test("work that ends in time returns its result", async () => {
  const ends = { deadline: 1000, gone: never, closing: never };
  expect(await within(ends, async () => 5)).toBe(5);
});

test("work beyond its deadline is aborted and fails with a timeout", async () => {
  let reported: unknown = null;
  const job = within({ deadline: 5, gone: never, closing: never }, (signal) => {
    signal.addEventListener("abort", () => {
      reported = signal.reason;
    });
    return forever();
  });
  const error = await job.catch((why: unknown) => why);
  expect(error).toMatchObject({ kind: "timeout", message: expect.stringContaining("5 ms") });
  expect(reported).toBe(error);
});

test("work is aborted when its caller leaves or the server ends, even before it starts", async () => {
  const gone = new AbortController();
  const left = within({ deadline: 1000, gone: gone.signal, closing: never }, forever);
  gone.abort();
  expect(await left.catch((why: unknown) => why)).toMatchObject({ kind: "timeout" });
  const closing = AbortSignal.abort(new WorkerError("at_capacity", "the server is shutting down"));
  const late = within({ deadline: 1000, gone: never, closing }, forever);
  expect(await late.catch((why: unknown) => why)).toMatchObject({ kind: "at_capacity" });
});
