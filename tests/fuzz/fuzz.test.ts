/** The fuzzer itself: on parts that break their promises in known ways. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { ALL_TARGETS } from "./all-targets.ts";
import { defineTarget, type FuzzSubject, growthIn } from "./fuzz.ts";
import { mutatedBytes } from "./mutated-bytes.ts";

const target = <Input>(subject: FuzzSubject<Input>, lanes = 1) =>
  defineTarget({
    name: "planted",
    inputs: "",
    found: [],
    lanes,
    limitMs: 100,
    open: () => subject,
  });

test("a broken promise is found once, and its input is shrunk", async () => {
  const check = (n: number) => {
    if (n >= 500) throw new Error("500 or more");
  };
  const planted = target({ inputs: fc.nat(10_000), check }, 3);
  const { cases, findings } = await planted.run({ cases: 200, seed: 1 });
  expect(cases).toBe(200);
  expect(findings).toMatchObject([
    { message: expect.stringContaining("500 or more"), input: "500" },
  ]);
});

test("a case that takes longer than its limit is found, whether it waits or blocks", async () => {
  const waiting = target({ inputs: fc.constant(0), check: () => new Promise(() => {}) });
  const blocking = target({ inputs: fc.constant(0), check: () => Bun.sleepSync(150) });
  for (const slow of [waiting, blocking]) {
    const { findings } = await slow.run({ cases: 1, seed: 1 });
    expect(findings).toMatchObject([{ message: expect.stringMatching(/limit|longer/) }]);
  }
});

test("what is left after the last case is found, and the subject is closed", async () => {
  let closed = 0;
  const subject = {
    inputs: fc.nat(),
    check() {},
    settle: () => Promise.reject(new Error("2 sockets are left")),
    close: async () => void closed++,
  };
  const { findings } = await target(subject).run({ cases: 5, seed: 1 });
  expect(findings).toMatchObject([{ message: "2 sockets are left" }]);
  expect(closed).toBe(1);
});

test("memory that grows with the cases is a finding, and that of a short run is not", async () => {
  const kept: Uint8Array[] = [];
  const check = () => void kept.push(new Uint8Array(30_000).fill(1)); // far more than what files before this one have let go
  const { findings, memory } = await target({ inputs: fc.constant(0), check }).run({
    cases: 10_000,
    seed: 1,
  });
  expect(findings).toMatchObject([{ message: expect.stringMatching(/^memory grew from \d+ to/) }]);
  expect(growthIn(memory, 9999)).toBeNull();
  expect(growthIn({ before: 100, after: 150 }, 100_000)).toBeNull();
  expect(kept).toHaveLength(10_000);
}, 60_000);

test("the same seed makes the same inputs, and another one makes others", async () => {
  const inputsOf = async (seed: number) => {
    const seen: string[] = [];
    const inputs = mutatedBytes([Buffer.from("0123456789")]);
    const check = (bytes: Uint8Array) => void seen.push(Buffer.from(bytes).toString("hex"));
    await target({ inputs, check }).run({ cases: 50, seed });
    return seen;
  };
  const first = await inputsOf(7);
  expect(first).toHaveLength(50);
  expect(await inputsOf(7)).toEqual(first);
  expect(await inputsOf(8)).not.toEqual(first);
});

test("damaged bytes shrink to the smallest damage that matters", async () => {
  const original = Buffer.from("abcdefghij");
  const check = (bytes: Uint8Array) => {
    if (bytes.length > original.length) throw new Error("longer");
  };
  const planted = target({ inputs: mutatedBytes([original]), check });
  const { findings } = await planted.run({ cases: 500, seed: 1 });
  expect(findings).toHaveLength(1);
  const shown = findings[0]?.input ?? "";
  expect(shown.split(",").length).toBeLessThanOrEqual(original.length + 2);
});

test("every finding that is listed has a test of that name", async () => {
  const found = ALL_TARGETS.flatMap((one) => one.found);
  const missing: string[] = [];
  for (const {
    test: [file, name],
  } of found) {
    const source = Bun.file(join(import.meta.dir, "..", file));
    if (!(await source.exists()) || !(await source.text()).includes(name))
      missing.push(`${file}: ${name}`);
  }
  expect(missing).toEqual([]);
});
