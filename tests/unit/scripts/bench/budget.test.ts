import { expect, test } from "bun:test";
import {
  allocated,
  arithmetic,
  copied,
  copiedBySet,
} from "../../../../scripts/bench/budget/frame-copies.ts";
import { cpuShares, kindOf, parseStat } from "../../../../scripts/bench/budget/thread-cpu.ts";
import { typicalFrame } from "../../../../scripts/bench/budget/typical-frame.ts";
import { countCopies } from "../../../../scripts/bench/budget/wrap.ts";

const sizes = { picture: 786_432, unit: 8000, coded: 6000 };

test("the arithmetic of a frame's copies adds up to what is copied", () => {
  const sum = [...arithmetic(sizes).matchAll(/(\d+) × ([\d.]+) KB/g)].reduce(
    (total, [, count, kilobytes]) => total + Number(count) * Number(kilobytes),
    0,
  );
  expect(sum).toBeCloseTo(copied(sizes) / 1000, 0);
  expect(copiedBySet(sizes)).toBeLessThan(copied(sizes));
  expect(allocated(sizes)).toBe(copied(sizes) + sizes.picture);
});

test("the stages of a typical frame add up to its latency, and frames that were held up do not count", () => {
  // Each part is slow in other frames, so that their medians say nothing of the sum.
  const frames = Array.from({ length: 100 }, (_, at) => {
    const [decode, encode] = [at % 2 === 0 ? 1 : 4, at % 2 === 0 ? 6 : 3 + at / 100];
    const heldUp = at < 10 ? 500 : 0;
    return { latencyMs: decode + encode + heldUp, stageMs: { decode, encode: encode + heldUp } };
  });
  const { latencyMs, stageMs } = typicalFrame(frames);
  expect((stageMs.decode ?? 0) + (stageMs.encode ?? 0)).toBeCloseTo(latencyMs);
  expect(latencyMs).toBeGreaterThan(7);
  expect(latencyMs).toBeLessThan(8);
  expect(typicalFrame([]).latencyMs).toBeNaN();
});

test("frames that lack a stage leave the average of the others", () => {
  const frames = Array.from({ length: 100 }, (_, at) => ({
    latencyMs: 5,
    stageMs: at % 3 === 0 ? {} : { decode: 2 },
  }));
  const { stageMs } = typicalFrame(frames);
  expect(stageMs.decode).toBe(2);
  expect(stageMs.encode).toBeNaN();
});

test.each([
  ["Bun Pool 3", "pool of native calls"],
  ["Worker", "model threads"],
  ["HeapHelper", "garbage collection and JIT"],
  ["ollector Thread", "garbage collection and JIT"],
  ["HTTP Client", "HTTP client"],
  ["av:h264:df0", "others"],
] as const)("a thread named %s is one of: %s", (name, kind) => {
  expect(kindOf(name, false)).toBe(kind);
});

test("the first thread is the main thread, whatever the program is called", () => {
  expect(kindOf("Worker", true)).toBe("main thread");
});

test("a name with spaces and brackets does not shift what is read from the kernel's line", () => {
  const fields = ["S", ...Array.from({ length: 40 }, (_, at) => String(at + 4))];
  const { name, cpuSeconds, pageFaults } = parseStat(`12 (Bun (Pool) 0) ${fields.join(" ")}`);
  expect({ name, cpuSeconds, pageFaults }).toEqual({
    name: "Bun (Pool) 0",
    cpuSeconds: (14 + 15) / 100,
    pageFaults: 10,
  });
});

test("CPU shares are seconds a second", () => {
  const before = {
    "main thread": 1,
    "model threads": 0,
    "pool of native calls": 2,
    "garbage collection and JIT": 0,
    "HTTP client": 0,
    others: 0,
  };
  const after = { ...before, "main thread": 3, others: 1 };
  expect(cpuShares(before, after, 4)).toMatchObject({ "main thread": 0.5, others: 0.25 });
});

test("bytes that typed arrays copy are counted once, and taken", () => {
  const { set, slice } = Object.getPrototypeOf(Uint8Array.prototype);
  const take = countCopies();
  try {
    new Uint8Array(8).set(new Uint8Array(6));
    new Float32Array(4).slice(1);
    expect(take()).toBe(6 + 12);
    expect(take()).toBe(0);
  } finally {
    Object.assign(Object.getPrototypeOf(Uint8Array.prototype), { set, slice });
  }
});
