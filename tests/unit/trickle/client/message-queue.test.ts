/** Messages that wait for their channel: bounded in number and in bytes. */
import { expect, test } from "bun:test";
import { MessageQueue } from "../../../../src/trickle/client/message-queue.ts";

const message = (text: string, kept = false) => ({ data: new TextEncoder().encode(text), kept });
const drain = (queue: MessageQueue): string[] => {
  const texts: string[] = [];
  for (let next = queue.take(); next !== undefined; next = queue.take())
    texts.push(new TextDecoder().decode(next.data));
  return texts;
};

test("the oldest of too many is dropped, one to be kept only when there is no other", () => {
  const queue = new MessageQueue(2);
  queue.add(message("kept", true));
  for (const text of ["one", "two", "three"]) queue.add(message(text));
  expect(drain(queue)).toEqual(["kept", "three"]);
  for (const text of ["kept 1", "kept 2", "kept 3"]) queue.add(message(text, true));
  expect(drain(queue)).toEqual(["kept 2", "kept 3"]);
});

test("messages wait up to 16 MiB in all; a larger one is dropped by itself", () => {
  const queue = new MessageQueue(100);
  const mib = (n: number) => ({ data: new Uint8Array(n * 1024 * 1024), kept: false });
  for (let n = 0; n < 5; n++) queue.add(mib(6));
  let bytes = 0;
  for (let next = queue.take(); next !== undefined; next = queue.take())
    bytes += next.data.byteLength;
  expect(bytes).toBe(12 * 1024 * 1024);
  queue.add(mib(17));
  expect(queue.isEmpty).toBe(true);
});

test("a message that is put back is the next one again, and counts again", () => {
  const queue = new MessageQueue(2);
  for (const text of ["one", "two"]) queue.add(message(text));
  const first = queue.take();
  if (first) queue.putBack(first);
  expect(drain(queue)).toEqual(["one", "two"]);
});
