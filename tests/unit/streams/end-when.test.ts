import { expect, test } from "bun:test";
import { endWhen } from "../../../src/streams/end-when.ts";

/** A source that is fed by hand and remembers why it was left. */
function source() {
  let feed!: ReadableStreamDefaultController<number>;
  const left: unknown[] = [];
  const readable = new ReadableStream<number>({
    start: (controller) => {
      feed = controller;
    },
    cancel: (reason) => void left.push(reason),
  });
  return { readable, left, feed };
}

test("until the signal everything passes, then the stream ends and the source is left", async () => {
  const { readable, left, feed } = source();
  const stop = new AbortController();
  const reader = endWhen(readable, stop.signal).getReader();
  feed.enqueue(1);
  expect((await reader.read()).value).toBe(1);
  const waiting = reader.read();
  stop.abort("enough");
  expect((await waiting).done).toBe(true);
  expect(left).toEqual(["enough"]);
});

test("a signal that fired before ends it at once", async () => {
  const { readable, left } = source();
  const reader = endWhen(readable, AbortSignal.abort("early")).getReader();
  expect((await reader.read()).done).toBe(true);
  expect(left).toEqual(["early"]);
});

test("the source's end and its failure are passed on", async () => {
  const never = new AbortController().signal;
  const ending = source();
  ending.feed.close();
  expect((await endWhen(ending.readable, never).getReader().read()).done).toBe(true);
  const failing = source();
  const read = endWhen(failing.readable, never).getReader().read();
  failing.feed.error(new Error("broken"));
  expect(await read.catch((error: unknown) => error)).toEqual(new Error("broken"));
});

test("a reader that leaves takes the source along, and the signal is let go", async () => {
  const { readable, left } = source();
  const stop = new AbortController();
  const reader = endWhen(readable, stop.signal).getReader();
  await reader.cancel("gone");
  stop.abort("late");
  expect(left).toEqual(["gone"]);
});

test("nothing is read ahead of the reader", async () => {
  let pulled = 0;
  const readable = new ReadableStream<number>(
    { pull: (controller) => controller.enqueue(pulled++) },
    { highWaterMark: 0 },
  );
  const stream = endWhen(readable, new AbortController().signal);
  await new Promise((resolve) => setImmediate(resolve));
  expect(pulled).toBe(0);
  await stream.cancel();
});
