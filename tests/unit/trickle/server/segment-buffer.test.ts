/** The memory of segments: shared, bounded, given back. */
import { expect, test } from "bun:test";
import { Quota } from "../../../../src/trickle/server/quota.ts";
import { SegmentBuffer } from "../../../../src/trickle/server/segment-buffer.ts";
import { SegmentMemory } from "../../../../src/trickle/server/segment-memory.ts";

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

/** A server's memory with one quota for all who write. */
function memoryOf(limit: number) {
  const memory = new SegmentMemory();
  const quota = new Quota({ limit });
  const segment = (maxBytes = MIB) => {
    const buffer = new SegmentBuffer(0, memory, maxBytes);
    return { buffer, write: (data: Uint8Array) => buffer.write(data, quota) };
  };
  return { quota, segment };
}

test("bytes are read as they were written, however they were split", () => {
  const whole = Array.from({ length: 3000 }, (_, n) => `${n},`).join("");
  for (const size of [1, 7, 4096, 5000, 100_000]) {
    const { buffer, write } = memoryOf(MIB).segment();
    for (let at = 0; at < whole.length; at += size) write(bytes(whole.slice(at, at + size)));
    expect(text(buffer)).toBe(whole);
  }
});

test("many tiny writes take little more memory than their bytes", () => {
  const { quota, segment } = memoryOf(MIB);
  const { write } = segment();
  for (let n = 0; n < 100_000; n++) write(bytes("x"));
  expect(quota.used).toBeLessThan(300_000);
});

test("readers share the pages", () => {
  const { buffer, write } = memoryOf(MIB).segment();
  write(bytes("shared"));
  const [one, two] = [buffer.read(0), buffer.read(0)];
  if (one.kind !== "data" || two.kind !== "data") throw new Error("no data");
  expect(one.data.buffer).toBe(two.data.buffer);
});

test("a write beyond a limit is refused whole and changes nothing", () => {
  const { quota, segment } = memoryOf(8192);
  const { buffer, write } = segment(10_000);
  write(bytes("x"));
  expect(write(new Uint8Array(10_000))).toBe("segment_full");
  expect(write(new Uint8Array(9_000))).toBe(quota);
  expect(text(buffer)).toBe("x");
});

test("a reader waits until the next write or the close", async () => {
  const { buffer, write } = memoryOf(MIB).segment();
  const wait = buffer.read(0);
  if (wait.kind !== "wait") throw new Error(wait.kind);
  write(bytes("x"));
  await wait.changed;
  expect(buffer.read(0).kind).toBe("data");
  buffer.close();
  expect(buffer.read(1).kind).toBe("end");
  expect(write(bytes("late"))).toBe("ok");
  expect(text(buffer)).toBe("x");
});

test("an evicted segment lives as long as its reader, but not when its memory is needed", () => {
  const { quota, segment } = memoryOf(8192);
  const evicted = () => {
    const { buffer, write } = segment();
    write(new Uint8Array(4096));
    const release = buffer.retain();
    buffer.evict();
    return { buffer, release };
  };
  const first = evicted();
  expect(first.buffer.read(0).kind).toBe("data");
  first.release();
  expect([first.buffer.read(0).kind, quota.used]).toEqual(["lost", 0]);
  const second = evicted();
  expect(segment().write(new Uint8Array(8192))).toBe("ok");
  expect(second.buffer.read(0).kind).toBe("lost");
  second.release();
  expect(quota.used).toBe(8192);
});

test("bytes are charged to whoever writes them, and given back to the same", () => {
  const memory = new SegmentMemory();
  const total = new Quota({ limit: 20_000 });
  const [one, other] = [
    new Quota({ limit: 5000, parent: total }),
    new Quota({ limit: 20_000, parent: total }),
  ];
  const segment = new SegmentBuffer(0, memory, MIB);
  expect(segment.write(new Uint8Array(4096), one)).toBe("ok");
  expect(segment.write(new Uint8Array(4096), one)).toBe(one);
  expect(segment.write(new Uint8Array(4096), other)).toBe("ok");
  expect([one.used, other.used, total.used]).toEqual([4096, 4096, 8192]);
  segment.evict();
  expect([one.used, other.used, total.used]).toEqual([0, 0, 0]);
});

test("a full quota frees its own lingering segments and not another peer's", () => {
  const memory = new SegmentMemory();
  const total = new Quota({ limit: MIB });
  const [one, other] = [
    new Quota({ limit: 8192, parent: total }),
    new Quota({ limit: MIB, parent: total }),
  ];
  const lingering = (quota: Quota) => {
    const segment = new SegmentBuffer(0, memory, MIB);
    segment.write(new Uint8Array(8192), quota);
    segment.retain();
    segment.evict();
    return segment;
  };
  const [kept, freed] = [lingering(other), lingering(one)];
  expect(new SegmentBuffer(1, memory, MIB).write(new Uint8Array(4096), one)).toBe("ok");
  expect([kept.read(0).kind, freed.read(0).kind]).toEqual(["data", "lost"]);
});
