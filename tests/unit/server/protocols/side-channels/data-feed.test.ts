import { afterEach, expect, jest, test } from "bun:test";
import {
  DataFeed,
  type DataFormat,
} from "../../../../../src/server/protocols/side-channels/data-feed.ts";

afterEach(() => void jest.useRealTimers());

/** A feed whose segments are kept. */
function feed(format: DataFormat) {
  jest.useFakeTimers();
  const segments: string[] = [];
  const writer = {
    send: (text: string) => void segments.push(text),
    close: () => Promise.resolve(),
  };
  const data = new DataFeed(writer, format, { batchMs: 333, keepAliveMs: 25_000 });
  return { data, segments };
}

test("the objects of a third of a second leave as one list of JSON texts", async () => {
  const { data, segments } = feed("lists");
  data.send({ n: 1 });
  data.send({ n: "zwei" });
  expect(segments).toEqual([]);
  jest.advanceTimersByTime(333);
  expect(segments).toEqual([JSON.stringify(['{"n":1}', '{"n":"zwei"}'])]);
  await data.close();
});

test("in the format lines each object leaves as a line", async () => {
  const { data, segments } = feed("lines");
  data.send({ n: 1 });
  data.send({ text: "two\nlines" });
  jest.advanceTimersByTime(333);
  expect(segments).toEqual(['{"n":1}\n{"text":"two\\nlines"}']);
  await data.close();
});

test.each<[DataFormat, string]>([
  ["lists", "[]"],
  ["lines", '{"type":"keepalive"}'],
])("after 25 s of silence %s keep alive, and never before", async (format, alive) => {
  const { data, segments } = feed(format);
  jest.advanceTimersByTime(20_000);
  data.send({ n: 1 });
  jest.advanceTimersByTime(20_000);
  expect(segments).toHaveLength(1);
  jest.advanceTimersByTime(25_000);
  expect(segments.at(-1)).toBe(alive);
  expect(segments).toHaveLength(2);
  await data.close();
});

test.each<DataFormat>(["lists", "lines"])(
  "no line of %s reaches 64 KiB; what alone is longer is left out, the rest comes",
  async (format) => {
    const { data, segments } = feed(format);
    const texts = Array.from({ length: 40 }, (_, n) => `${n} ${'é"'.repeat(1500)}`);
    for (const text of texts) data.send({ text });
    data.send({ text: "x".repeat(70_000) });
    data.send({ text: "last" });
    await data.close();
    const lines = segments.flatMap((segment) => segment.split("\n"));
    expect(lines.every((line) => Buffer.byteLength(line) < 65_536)).toBe(true);
    const objects = lines.flatMap((line) => {
      const value = JSON.parse(line);
      return Array.isArray(value) ? value.map((text) => JSON.parse(text)) : [value];
    });
    expect(objects.map(({ text }) => text)).toEqual([...texts, "last"]);
  },
);

test("what is too much for one segment leaves as several", async () => {
  const { data, segments } = feed("lines");
  const lines = Array.from({ length: 60 }, (_, n) => ({ n, text: "x".repeat(50_000) }));
  for (const line of lines) data.send(line);
  await data.close();
  expect(segments).toHaveLength(4);
  for (const segment of segments) expect(segment.length).toBeLessThan(1024 * 1024);
  expect(segments.join("\n").split("\n")).toEqual(lines.map((line) => JSON.stringify(line)));
});

test("closing sends what is pending, and nothing afterwards", async () => {
  const { data, segments } = feed("lines");
  data.send({ n: 1 });
  await data.close();
  jest.advanceTimersByTime(60_000);
  expect(segments).toEqual(['{"n":1}']);
});
