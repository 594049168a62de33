import { expect, test } from "bun:test";
import { pushable } from "../../../src/streams/push-readable.ts";

test("what is pushed is read in order, then the end", async () => {
  const fed = pushable<number>();
  expect([fed.push(1), fed.push(2)]).toEqual([true, true]);
  expect(fed.waiting).toBe(2);
  fed.end();
  const seen: number[] = [];
  for await (const item of fed.readable) seen.push(item);
  expect(seen).toEqual([1, 2]);
  expect(fed.push(3)).toBe(false);
});

test("a reader that waits gets the next item, and nothing counts as waiting", async () => {
  const fed = pushable<number>();
  const read = fed.readable.getReader().read();
  await Promise.resolve(); // until the stream has asked for it
  fed.push(7);
  expect(fed.waiting).toBe(0);
  expect((await read).value).toBe(7);
});

test("the bytes of what waits are known, until it is read or lost", async () => {
  const fed = pushable<string>((text) => text.length);
  for (const text of ["four", "sixsix", ""]) fed.push(text);
  expect([fed.waiting, fed.waitingBytes]).toEqual([3, 10]);
  const reader = fed.readable.getReader();
  await reader.read();
  expect([fed.waiting, fed.waitingBytes]).toEqual([2, 6]);
  fed.fail(new Error("broken"));
  expect([fed.waiting, fed.waitingBytes]).toEqual([0, 0]);
});

test("what was pushed before the end is read first, by a reader that came late too", async () => {
  const fed = pushable<number>();
  for (const item of [1, 2, 3]) fed.push(item);
  fed.end();
  expect(fed.push(4)).toBe(false);
  const reader = fed.readable.getReader();
  const reads = [1, 2, 3, 4].map(() => reader.read());
  expect((await Promise.all(reads)).map(({ value }) => value)).toEqual([1, 2, 3, undefined]);
});

test("a failure is seen next, in place of what waited", async () => {
  const fed = pushable<number>();
  fed.push(1);
  fed.fail(new Error("broken"));
  fed.fail(new Error("again"));
  fed.end();
  const reason = await fed.readable
    .getReader()
    .read()
    .catch((error: unknown) => error);
  expect(reason).toEqual(new Error("broken"));
  expect([fed.push(2), fed.waiting]).toEqual([false, 0]);
});

test("push returns false once the reader has left, and ending afterwards is harmless", async () => {
  const fed = pushable<number>();
  fed.push(1);
  await fed.readable.cancel();
  expect([fed.push(2), fed.waiting]).toEqual([false, 0]);
  fed.end();
  fed.fail(new Error("late"));
});
