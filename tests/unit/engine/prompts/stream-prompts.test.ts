import { expect, test } from "bun:test";
import { defaultControls, OFFSETS } from "../../../../src/engine/prompts/controls.ts";
import { encodePrompts } from "../../../../src/engine/prompts/lexicon.ts";
import { StreamPrompts } from "../../../../src/engine/prompts/stream-prompts.ts";
import type { Prompt } from "../../../../src/engine/protocol/work.ts";
import { WorkerError } from "../../../../src/errors.ts";

/** An encoder whose answers come when they are let go. */
class SlowEncoder {
  readonly asked: string[] = [];
  readonly #answers: (() => void)[] = [];

  encode(prompts: readonly Prompt[]): Promise<Float32Array<ArrayBuffer>> {
    this.asked.push(prompts.map(({ prompt }) => prompt).join());
    return new Promise((resolve) => {
      this.#answers.push(() => resolve(encodePrompts(prompts)));
    });
  }

  async answer(): Promise<void> {
    this.#answers.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const NIGHT = [{ prompt: "a city at night" }];
const DAY = [{ prompt: "a meadow at noon" }];
const night = (vector: Float32Array) => vector[OFFSETS.night] ?? -1;

test("the vector before stays in use until the new prompts are encoded", async () => {
  const encoder = new SlowEncoder();
  const prompts = new StreamPrompts(encoder);
  const first = prompts.prepare(DAY);
  await encoder.answer();
  await first;
  expect([prompts.uses(DAY), night(prompts.at(0))]).toEqual([true, 0]);

  void prompts.prepare(NIGHT);
  expect([prompts.uses(NIGHT), night(prompts.at(1))]).toEqual([false, 0]);
  await encoder.answer();
  expect(prompts.uses(NIGHT)).toBe(true);
  expect(night(prompts.at(1.04))).toBeGreaterThan(0);
  expect(night(prompts.at(3))).toBeCloseTo(1, 2);
});

test("of prompts that change faster than they are encoded, only the newest follow", async () => {
  const encoder = new SlowEncoder();
  const prompts = new StreamPrompts(encoder);
  const all = ["one", "two", "three", "four"].map((prompt) => prompts.prepare([{ prompt }]));
  await encoder.answer();
  expect(encoder.asked).toEqual(["one", "four"]);
  await encoder.answer();
  await Promise.all(all);
  expect(encoder.asked).toEqual(["one", "four"]);
});

test("prompts that say the same in a new list are neither encoded nor a change", async () => {
  const encoder = new SlowEncoder();
  const prompts = new StreamPrompts(encoder);
  const first = prompts.prepare(NIGHT);
  await encoder.answer();
  await first;
  const again = [{ prompt: "a city at night" }];
  await prompts.prepare(again);
  expect(encoder.asked.length).toBe(1);
  expect(prompts.uses(again)).toBe(true);
});

test("a failure is reported, and the next prompts are encoded", async () => {
  let broken = true;
  const prompts = new StreamPrompts({
    encode: async (asked) => {
      if (broken) throw new WorkerError("model_failed", "no thread");
      return encodePrompts(asked);
    },
  });
  const failed = await prompts.prepare(NIGHT).catch((error) => error);
  expect(failed).toMatchObject({ kind: "model_failed" });
  expect(prompts.at(0).slice(0, -1)).toEqual(defaultControls().slice(0, -1));
  broken = false;
  await prompts.prepare(NIGHT);
  expect(prompts.uses(NIGHT)).toBe(true);
});
