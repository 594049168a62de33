/** Cuts a text into words, finds the form of a word that a table knows, and hashes words. */

/**
 * Lower-case words without accents; punctuation, digits and apostrophes separate them. Takes time in proportion
 * to the text: combining marks go first, since Unicode normalisation would sort long runs of them.
 */
export const tokens = (text: string): string[] =>
  text
    .replace(MARKS, "")
    .normalize("NFKD")
    .replace(MARKS, "")
    .toLowerCase()
    .match(/\p{L}+/gu) ?? [];

const MARKS = /\p{M}/gu;

/** No table has a longer word, with any of the endings. */
const LONGEST_WORD = 32;

/**
 * The first answer for the word itself or for the word without an English ending: `skies`, `foggy`,
 * `flooding`.
 */
export function wordForms<T>(word: string, find: (form: string) => T | undefined): T | undefined {
  const found = find(word);
  if (found !== undefined || word.length > LONGEST_WORD) return found;
  for (const { ending, replacement, doubled } of ENDINGS.get(word.at(-1) ?? "") ?? []) {
    if (!word.endsWith(ending)) continue;
    let stem = word.slice(0, -ending.length);
    if (doubled) {
      if (stem.at(-1) !== stem.at(-2)) continue;
      stem = stem.slice(0, -1);
    }
    if (stem.length + replacement.length <= 2) continue;
    const form = find(stem + replacement);
    if (form !== undefined) return form;
  }
  return undefined;
}

interface Ending {
  readonly ending: string;
  readonly replacement: string;
  /** Only after a doubled letter, of which one is dropped: `foggy` is `fog`. */
  readonly doubled: boolean;
}

const ending = (text: string, replacement = ""): Ending => ({
  ending: text,
  replacement,
  doubled: false,
});
const afterDoubled = (text: string): Ending => ({ ending: text, replacement: "", doubled: true });

/** By their last letter, in the order in which they are tried. */
const ENDINGS: ReadonlyMap<string, readonly Ending[]> = new Map([
  ["s", [ending("s"), ending("es"), ending("ies", "y"), ending("ves", "f")]],
  ["y", [ending("y"), ending("y", "e"), afterDoubled("y"), ending("ly")]],
  ["g", [ending("ing"), ending("ing", "e"), afterDoubled("ing")]],
  ["d", [ending("ed"), ending("ed", "e")]],
  ["h", [ending("ish")]],
  ["l", [ending("ful")]],
]);

/** FNV-1a over UTF-16 code units, stirred: 32 bits, the same on every machine. */
export function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < word.length; at++) {
    hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
