/** The memory of segments: shared, bounded, given back. */
import { expect, test } from "bun:test";
import { ByteBudget, SegmentBuffer } from "../../../../src/trickle/server/segment-buffer.ts";

const text = (segment: SegmentBuffer): string => {
  let seen = "";
  let position = 0;
  for (let read = segment.read(0); read.kind === "data"; read = segment.read(position)) {
    seen += new TextDecoder().decode(read.data);
    position += read.data.byteLength;
  }
  return seen;
};
const bytes = (value: string) => new TextEncoder().encode(value);
const MIB = 1024 * 1024;

test("any cut of the same bytes reads the same", () => {
  const whole = Array.from({ length: 3000 }, (_, n) => `${n},`).join("");
  for (const size of [1, 7, 4096, 5000, 100_000]) {
    const segment = new SegmentBuffer(0, new ByteBudget(MIB), MIB);
    for (let at = 0; at < whole.length; at += size)
      segment.write(bytes(whole.slice(at, at + size)));
    expect(text(segment)).toBe(whole);
  }
});

test("many tiny writes cost little more than their bytes", () => {
  const budget = new ByteBudget(MIB);
  const segment = new SegmentBuffer(0, budget, MIB);
  for (let n = 0; n < 100_000; n++) segment.write(bytes("x"));
  expect(budget.used).toBeLessThan(300_000);
});

test("readers share the pages", () => {
  const segment = new SegmentBuffer(0, new ByteBudget(MIB), MIB);
  segment.write(bytes("shared"));
  const [one, two] = [segment.read(0), segment.read(0)];
  if (one.kind !== "data" || two.kind !== "data") throw new Error("no data");
  expect(one.data.buffer).toBe(two.data.buffer);
});

test("a write beyond a bound is refused whole and changes nothing", () => {
  const budget = new ByteBudget(8192);
  const segment = new SegmentBuffer(0, budget, 10_000);
  segment.write(bytes("x"));
  expect(segment.write(new Uint8Array(10_000))).toBe("segment_full");
  expect(segment.write(new Uint8Array(9_000))).toBe("memory_full");
  expect(text(segment)).toBe("x");
});

test("a reader waits until the next write or the close", async () => {
  const segment = new SegmentBuffer(0, new ByteBudget(MIB), MIB);
  const wait = segment.read(0);
  if (wait.kind !== "wait") throw new Error(wait.kind);
  segment.write(bytes("x"));
  await wait.changed;
  expect(segment.read(0).kind).toBe("data");
  segment.close();
  expect(segment.read(1).kind).toBe("end");
  expect(segment.write(bytes("late"))).toBe("ok");
  expect(text(segment)).toBe("x");
});

test("an evicted segment lives as long as its reader, but not when its memory is needed", () => {
  const budget = new ByteBudget(8192);
  const evicted = () => {
    const segment = new SegmentBuffer(0, budget, MIB);
    segment.write(new Uint8Array(4096));
    const release = segment.retain();
    segment.evict();
    return { segment, release };
  };
  const first = evicted();
  expect(first.segment.read(0).kind).toBe("data");
  first.release();
  expect([first.segment.read(0).kind, budget.used]).toEqual(["lost", 0]);
  const second = evicted();
  const live = new SegmentBuffer(1, budget, MIB);
  expect(live.write(new Uint8Array(8192))).toBe("ok");
  expect(second.segment.read(0).kind).toBe("lost");
  second.release();
  expect(budget.used).toBe(8192);
});
