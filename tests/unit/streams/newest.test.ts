import { describe, expect, spyOn, test } from "bun:test";
import { type NewestOptions, newest } from "../../../src/streams/newest.ts";

/** A stage under test, and what it dropped. */
function stage(capacity: number, options: Partial<NewestOptions<number>> = {}) {
  const dropped: number[] = [];
  const pair = newest<number>({
    capacity,
    onDrop: (item) => dropped.push(item),
    ...options,
  });
  const writer = pair.writable.getWriter();
  const reader = pair.readable.getReader();
  return { dropped, writer, reader };
}

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "no failure",
    (reason) => reason,
  );

test("a reader that keeps up gets everything in order", async () => {
  const { writer, reader, dropped } = stage(1);
  for (let item = 0; item < 5; item++) {
    const read = reader.read();
    await writer.write(item);
    expect(await read).toEqual({ done: false, value: item });
  }
  expect(dropped).toEqual([]);
});

test("the writer does not wait for a slow reader, and the oldest make room", async () => {
  const { writer, reader, dropped } = stage(2);
  for (let item = 0; item < 6; item++) await writer.write(item);
  expect(dropped).toEqual([0, 1, 2, 3]);
  expect((await reader.read()).value).toBe(4);
  expect((await reader.read()).value).toBe(5);
});

test("nothing is taken ahead for a reader that does not ask", async () => {
  const { writer, reader, dropped } = stage(1);
  await writer.write(1);
  await Promise.resolve();
  await writer.write(2);
  expect(dropped).toEqual([1]);
  expect((await reader.read()).value).toBe(2);
});

test("what waited too long is dropped when its turn comes", async () => {
  const dueAt = (item: number) => performance.now() - (item < 3 ? 600 : 400);
  const { writer, reader, dropped } = stage(4, { dueAt, maxLateMs: 500 });
  for (const item of [1, 2, 3, 4]) await writer.write(item);
  expect((await reader.read()).value).toBe(3);
  expect(dropped).toEqual([1, 2]);
});

test("each dropped item comes with the reason", async () => {
  const reasons: string[] = [];
  const dueAt = (item: number) => performance.now() - (item === 2 ? 600 : 1);
  const onDrop = (item: number, why: string): void => void reasons.push(`${item} ${why}`);
  const { writer, reader } = stage(2, { dueAt, maxLateMs: 500, onDrop });
  for (const item of [1, 2, 3]) await writer.write(item);
  expect((await reader.read()).value).toBe(3);
  await writer.write(4);
  await reader.cancel();
  expect(reasons).toEqual(["1 overtaken", "2 late", "4 ended"]);
});

test("a burst that is early waits without a loss, and is handed out at once", async () => {
  const later = performance.now() + 60_000;
  const { writer, reader, dropped } = stage(1, { dueAt: (item) => later + item });
  for (let item = 0; item < 8; item++) await writer.write(item);
  for (let item = 0; item < 8; item++) expect((await reader.read()).value).toBe(item);
  expect(dropped).toEqual([]);
});

test("more that is early than may wait makes the writer wait, until the reader takes some", async () => {
  const later = performance.now() + 60_000;
  const { writer, reader } = stage(1, { dueAt: () => later, early: 2 });
  for (let item = 0; item < 2; item++) await writer.write(item);
  let written = false;
  const third = writer.write(2).then(() => {
    written = true;
  });
  await Promise.resolve();
  expect(written).toBe(false);
  await reader.read();
  await third;
});

test("a writer that waits goes on when what waits has become due", async () => {
  const soon = performance.now() + 30;
  const { writer, dropped } = stage(1, { dueAt: () => soon, early: 2 });
  for (let item = 0; item < 3; item++) await writer.write(item);
  expect(performance.now()).toBeGreaterThanOrEqual(soon);
  expect(dropped).toEqual([0, 1]);
});

test("a writer goes on, also if what waits becomes due while it looks", async () => {
  let clock = 0;
  using _now = spyOn(performance, "now").mockImplementation(() => clock++);
  for (let due = 1; due < 40; due++) {
    clock = 0;
    const { writer } = stage(1, { dueAt: () => due, early: 2 });
    for (let item = 0; item < 3; item++) await writer.write(item);
  }
}, 5000);

describe("a reader that is not ready", () => {
  test("gets the newest item as soon as it is", async () => {
    const ready = Promise.withResolvers<void>();
    const { writer, reader, dropped } = stage(1, { ready: () => ready.promise });
    const read = reader.read();
    for (let item = 0; item < 4; item++) await writer.write(item);
    ready.resolve();
    expect((await read).value).toBe(3);
    expect(dropped).toEqual([0, 1, 2]);
  });

  test("is asked when the first item waits and not before", async () => {
    let asked = 0;
    const ready = async () => void asked++;
    const { writer, reader } = stage(1, { ready });
    const read = reader.read();
    await Promise.resolve();
    expect(asked).toBe(0);
    await writer.write(1);
    await read;
    expect(asked).toBe(1);
  });

  test("sees the end after the item that waited, and its failure at once", async () => {
    const ready = Promise.withResolvers<void>();
    const { writer, reader } = stage(1, { ready: () => ready.promise });
    const reads = [reader.read(), reader.read()];
    await writer.write(1);
    await writer.close();
    ready.resolve();
    expect((await Promise.all(reads)).map(({ value }) => value)).toEqual([1, undefined]);

    const broken = stage(1, { ready: () => Promise.reject(new Error("broken")) });
    await broken.writer.write(1);
    expect(await failure(broken.reader.read())).toEqual(new Error("broken"));
  });
});

describe("a limit in bytes", () => {
  const bytesOf = (item: number) => item;

  test("drops the oldest due items, and never the only one", async () => {
    const { writer, reader, dropped } = stage(5, { bytesOf, maxBytes: 10 });
    for (const item of [4, 5, 6, 30]) await writer.write(item);
    expect(dropped).toEqual([4, 5, 6]);
    expect((await reader.read()).value).toBe(30);
    for (const item of [5, 5]) await writer.write(item);
    expect(dropped).toEqual([4, 5, 6]);
  });

  test("makes the writer of early items wait", async () => {
    const later = performance.now() + 60_000;
    const { writer, reader, dropped } = stage(1, {
      dueAt: () => later,
      bytesOf,
      maxBytes: 10,
    });
    await writer.write(6);
    let written = false;
    const second = writer.write(7).then(() => {
      written = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBe(false);
    await reader.read();
    await second;
    expect(dropped).toEqual([]);
  });
});

test("the end comes after what waits", async () => {
  const { writer, reader, dropped } = stage(3);
  for (const item of [1, 2]) await writer.write(item);
  await writer.close();
  expect(
    [await reader.read(), await reader.read(), await reader.read()].map(({ value }) => value),
  ).toEqual([1, 2, undefined]);
  expect(dropped).toEqual([]);
});

test("the end wakes a reader that waits", async () => {
  const { writer, reader } = stage(1);
  const read = reader.read();
  await writer.close();
  expect((await read).done).toBe(true);
});

test("an error drops what waits and reaches the reader", async () => {
  const { writer, reader, dropped } = stage(3);
  for (const item of [1, 2]) await writer.write(item);
  await writer.abort(new Error("broken"));
  expect(await failure(reader.read())).toEqual(new Error("broken"));
  expect(dropped).toEqual([1, 2]);
});

test("an error reaches a reader that waits", async () => {
  const { writer, reader } = stage(1);
  const read = failure(reader.read());
  await writer.abort(new Error("broken"));
  expect(await read).toEqual(new Error("broken"));
});

describe("a reader that leaves", () => {
  test("has everything dropped and tells the writer why", async () => {
    const { writer, reader, dropped } = stage(3);
    for (const item of [1, 2]) await writer.write(item);
    await reader.cancel(new Error("gone"));
    expect(dropped).toEqual([1, 2]);
    expect(await failure(writer.write(3))).toEqual(new Error("gone"));
  });

  test("leaves while it waits, and its wait ends", async () => {
    const { writer, reader } = stage(1);
    const read = reader.read();
    await reader.cancel();
    expect((await read).done).toBe(true);
    expect(String(await failure(writer.closed))).toContain("reader left");
  });

  test("leaves after the end without an error", async () => {
    const { writer, reader, dropped } = stage(2);
    await writer.write(1);
    await writer.close();
    await reader.cancel("gone");
    expect(dropped).toEqual([1]);
  });
});

test("a sink that fails frees what waits and ends the source", async () => {
  const dropped: number[] = [];
  const left = Promise.withResolvers<unknown>();
  let next = 0;
  const source = new ReadableStream<number>({
    pull(controller) {
      if (next < 5) controller.enqueue(next++);
      return next < 5 ? undefined : new Promise(() => {});
    },
    cancel: (reason) => left.resolve(reason),
  });
  const filled = Promise.withResolvers<void>();
  const sink = new WritableStream<number>({
    async write() {
      await filled.promise;
      throw new Error("sink");
    },
  });
  const onDrop = (item: number): void => {
    dropped.push(item);
    if (item === 2) filled.resolve();
  };
  const pipe = source.pipeThrough(newest<number>({ capacity: 1, onDrop })).pipeTo(sink);
  expect(await failure(pipe)).toEqual(new Error("sink"));
  expect(await left.promise).toEqual(new Error("sink"));
  expect(dropped.at(-1)).toBeGreaterThan(2);
});
