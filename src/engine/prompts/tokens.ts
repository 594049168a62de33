/** Words of a text: how they are cut, brought to a form that a table knows, and hashed. */

/** Lower-case words without accents; punctuation, digits and apostrophes only part them. */
export const tokens = (text: string): string[] =>
  text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .match(/\p{L}+/gu) ?? [];

/** The first answer for the word or for what is left without an English ending, e.g. `skies`, `foggy`, `flooding`. */
export function wordForms<T>(word: string, find: (form: string) => T | undefined): T | undefined {
  for (const form of forms(word)) {
    const found = find(form);
    if (found !== undefined) return found;
  }
  return undefined;
}

const ENDINGS: readonly (readonly [ending: RegExp, replacement: string])[] = [
  [/s$/, ""],
  [/es$/, ""],
  [/ies$/, "y"],
  [/ves$/, "f"],
  [/y$/, ""],
  [/y$/, "e"],
  [/(.)\1y$/, "$1"],
  [/ing$/, ""],
  [/ing$/, "e"],
  [/(.)\1ing$/, "$1"],
  [/ed$/, ""],
  [/ed$/, "e"],
  [/ly$/, ""],
  [/ish$/, ""],
  [/ful$/, ""],
];

function* forms(word: string): Generator<string> {
  yield word;
  for (const [ending, replacement] of ENDINGS) {
    const form = word.replace(ending, replacement);
    if (form !== word && form.length > 2) yield form;
  }
}

/** FNV-1a over UTF-16 code units, stirred: 32 bits, the same on every machine. */
export function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < word.length; at++) {
    hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
