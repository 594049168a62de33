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
  fed.push(7);
  expect(fed.waiting).toBe(0);
  expect((await read).value).toBe(7);
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

test("a reader that left is told by push, and ending afterwards is harmless", async () => {
  const fed = pushable<number>();
  fed.push(1);
  await fed.readable.cancel();
  expect([fed.push(2), fed.waiting]).toEqual([false, 0]);
  fed.end();
  fed.fail(new Error("late"));
});
