/** Prompts are encoded in a thread of their own: the longest and strangest ones leave the main thread free. */
import { describe, expect, test } from "bun:test";
import { encodePrompts } from "../../src/engine/prompts/lexicon.ts";
import { PromptEncoder } from "../../src/engine/prompts/prompt-encoder.ts";
import type { Prompt } from "../../src/engine/protocol/work.ts";

const TEXTS = 64;
const CHARACTERS = 10_000;

/** Texts of 10,000 characters that a tokenizer or a table of words could be slow with. */
const NASTY: Readonly<Record<string, string>> = {
  "one word again and again": "mountain ",
  "silent words alone": "the ",
  "two words of a phrase that never meet": "black and ",
  commas: ",",
  "no spaces": "x",
  emoji: "🙂",
  "combining marks": "\u0301\u0323",
  "negations alone": "no ",
  "words of one letter": "q ",
  "an ending that is a word": "sssss ",
};

const longest = (text: string): Prompt[] => {
  const prompt = text.repeat(Math.ceil(CHARACTERS / text.length)).slice(0, CHARACTERS);
  return Array.from({ length: TEXTS }, () => ({ prompt }));
};

/** The longest time in which the main thread did not come round, in milliseconds, until `work` is done. */
async function worstStall(work: Promise<unknown>): Promise<number> {
  let worst = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    worst = Math.max(worst, now - last - 1);
    last = now;
  }, 1);
  await work;
  clearInterval(timer);
  return worst;
}

test("gives what the lexicon gives", async () => {
  using encoder = new PromptEncoder();
  const prompts = [{ prompt: "a castle by a zorblax lake", weight: 2 }, { prompt: "no clouds" }];
  expect(await encoder.encode(prompts)).toEqual(encodePrompts(prompts));
});

describe("the longest prompts", () => {
  test.each(Object.keys(NASTY))("%s: take time in proportion to their length", async (name) => {
    using encoder = new PromptEncoder();
    await encoder.encode([]);
    const prompts = longest(NASTY[name] ?? "");
    const begun = performance.now();
    const stall = await worstStall(encoder.encode(prompts));
    // Some tens of milliseconds where nothing else runs: quadratic ones take twenty times as long.
    expect(performance.now() - begun).toBeLessThan(1500);
    expect(stall).toBeLessThan(150);
  });
});

test("a thread that does not answer in time is replaced", async () => {
  using encoder = new PromptEncoder({ deadlineMs: 1 });
  const slow = encoder.encode(longest("q "));
  expect(await slow.catch((error) => error)).toMatchObject({
    kind: "model_failed",
    message: expect.stringContaining("did not answer within 1 ms"),
  });
  using patient = new PromptEncoder();
  expect(await patient.encode([])).toEqual(encodePrompts([]));
});

test("the time that a call waits behind others does not count towards its deadline", async () => {
  using encoder = new PromptEncoder();
  await encoder.encode([]);
  const begun = performance.now();
  await encoder.encode(longest("q "));
  const oneMs = performance.now() - begun;
  using strict = new PromptEncoder({ deadlineMs: 300 + 6 * oneMs });
  const calls = Array.from({ length: 40 + Math.ceil(600 / oneMs) }, () =>
    strict.encode(longest("q ")),
  );
  expect((await Promise.allSettled(calls)).map(({ status }) => status)).not.toContain("rejected");
});

test("a call that is overdue fails alone: a new thread answers the ones behind it", async () => {
  using encoder = new PromptEncoder({ deadlineMs: 1000 });
  await encoder.encode([]);
  const endless = new Array<Prompt>(20_000).fill({ prompt: "q ".repeat(5000) });
  const slow = encoder.encode(endless).catch((error) => error);
  const prompts = [{ prompt: "a lake" }];
  const next = encoder.encode(prompts);
  expect(await slow).toMatchObject({ kind: "model_failed" });
  expect(await next).toEqual(encodePrompts(prompts));
});

test("what is under way when it is closed is refused, and so is what comes later", async () => {
  const encoder = new PromptEncoder();
  const under = encoder.encode(longest("q ")).catch((error) => error);
  encoder[Symbol.dispose]();
  expect((await under).message).toContain("the engine is closing");
  expect((await encoder.encode([]).catch((error) => error)).message).toContain("closing");
});
