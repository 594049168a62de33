/** Tokens and weights of prompts, with the part of CLIP's vocabulary that they need. */
import { readFileSync } from "node:fs";
import { goldenPath } from "./array-cases.ts";

interface TokenCase {
  readonly prompt: string;
  readonly ids: readonly number[];
}

interface WeightCase {
  readonly prompt: string;
  readonly segments: readonly (readonly [text: string, weight: number])[];
  readonly batches: readonly (readonly (readonly [id: number, weight: number])[])[];
}

const END = 49407;

export function promptTable(): string {
  const { cases: tokens }: { cases: TokenCase[] } = read("prompts/token-ids.json");
  const { cases: weights }: { cases: WeightCase[] } = read("prompts/token-weights.json");
  const merges = unzip("clip-tokenizer/merges.txt.gz").trimEnd().split("\n").slice(1);
  const prompts = [...tokens, ...weights].map(({ prompt }) => prompt);
  const lines = [
    `"licence": "pairs: from OpenAI's CLIP, MIT licence, Copyright (c) 2021 OpenAI"`,
    `"pairs": ${JSON.stringify(neededPairs(merges, prompts).join(" "))}`,
    `"tokens": [\n${rows(tokens, ({ prompt, ids }) => ({ prompt, ids }))}\n]`,
    `"weights": [\n${rows(weights, ({ prompt, segments, batches }) => ({
      prompt,
      segments,
      batches: batches.map(unpadded),
    }))}\n]`,
  ];
  return `{\n${lines.join(",\n")}\n}\n`;
}

/** `rank:left+right` of every pair that can occur in one of the texts: both sides together are a part of a word. */
function neededPairs(merges: readonly string[], prompts: readonly string[]): string[] {
  const words = new Set(
    prompts.flatMap((prompt) => byteCharacters(prompt.normalize("NFC").toLowerCase()).split(" ")),
  );
  const text = [...words].map((word) => `${word}\n`).join("");
  return merges.flatMap((merge, rank) => {
    const [left = "", right = ""] = merge.split(" ");
    const joined = (left + right).replace("</w>", "");
    return text.includes(joined) ? [`${rank}:${left}+${right}`] : [];
  });
}

/** The text's UTF-8 bytes as the characters that stand for them in the vocabulary; a blank stays one. */
function byteCharacters(text: string): string {
  const { ids }: { ids: readonly string[] } = byteOrder();
  return [...new TextEncoder().encode(text)]
    .map((byte) => (byte === 32 ? " " : (ids[byte] ?? "")))
    .join("");
}

/** Printable bytes stand for themselves, the others for the characters from U+0100 on. */
function byteOrder(): { readonly ids: readonly string[] } {
  let next = 256;
  const ids = Array.from({ length: 256 }, (_, byte) => {
    const isPrintable =
      (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
    return String.fromCodePoint(isPrintable ? byte : next++);
  });
  return { ids };
}

/** Without the padding: the tokens up to the first end, which may be followed by nothing but ends of weight 1. */
function unpadded(batch: WeightCase["batches"][number]): WeightCase["batches"][number] {
  const last = batch.findLastIndex(([id, weight]) => id !== END || weight !== 1);
  return batch.slice(0, last + 2);
}

const rows = <T>(cases: readonly T[], row: (its: T) => unknown): string =>
  cases.map((its) => JSON.stringify(row(its))).join(",\n");

const read = (name: string) => JSON.parse(readFileSync(goldenPath(name), "utf8"));

const unzip = (name: string): string =>
  new TextDecoder().decode(Bun.gunzipSync(readFileSync(goldenPath(name))));
