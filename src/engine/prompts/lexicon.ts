/** Encodes prompts as controls by tables of words: no network, no training, the same result every time. */
import type { Prompt } from "../protocol/work.ts";
import { COLOURS, PAINTED, type Rgb, rgb } from "./colour-words.ts";
import {
  CONTROLS,
  type ControlName,
  clampControls,
  control,
  defaultControls,
  OFFSETS,
} from "./controls.ts";
import { MEANINGS, NEGATIONS, PHRASES, SILENT } from "./meaning.ts";
import { hashOf, tokens, wordForms } from "./tokens.ts";
import type { Meaning, Setting, Settings } from "./word-table.ts";

/** How much lighter or darker each stop of the palette shows a colour that belongs to no noun (`red and gold`). */
const SHADES: readonly (readonly [ControlName, number])[] = [
  ["zenith", -0.5],
  ["horizon", 0.35],
  ["land", -0.3],
  ["accent", 0],
  ["sea", -0.45],
];
/** How far one unknown word moves a colour towards its own colour, and a number from its value. */
const UNKNOWN_COLOUR = 0.35;
const UNKNOWN_NUMBER = 0.25;
const VARIED_COLOURS = ["accent", "zenith", "land"] as const;
const UNKNOWN_MOVES = ["mountains", "clouds", "water", "forest", "blossoms", "turbulence"] as const;

/**
 * The controls that these prompts ask for, each in its range, `motion` 0. Prompts count by weight (default 1):
 * up to a sum of 1 the result lies that far from the defaults, beyond it the prompts share it. Takes time in
 * proportion to the text, milliseconds for long ones: call it off the main thread, see `PromptEncoder`.
 */
export function encodePrompts(prompts: readonly Prompt[]): Float32Array<ArrayBuffer> {
  const defaults = defaultControls();
  const weights = prompts.map(({ weight = 1 }) => weight);
  const total = Math.max(
    1,
    weights.reduce((sum, weight) => sum + Math.abs(weight), 0),
  );
  const vector = defaults.slice();
  for (const [index, prompt] of prompts.entries()) {
    const share = (weights[index] ?? 1) / total;
    for (const [at, value] of encodePrompt(prompt).entries()) {
      vector[at] = (vector[at] ?? 0) + (value - (defaults[at] ?? 0)) * share;
    }
  }
  clampControls(vector);
  return vector;
}

/** The sum of the values that words give one control, and their number. Numbers use the first element. */
interface Opinion {
  count: number;
  readonly sum: [number, number, number];
}

type Opinions = Map<ControlName, Opinion>;

/** What one text says: the controls it sets, suggests and rejects, and the words that no table has. */
interface Reading {
  readonly sets: Opinions;
  readonly suggests: Opinions;
  readonly rejects: Opinions;
  readonly unknown: string[];
}

function encodePrompt({ prompt, negative_prompt = "" }: Prompt): Float32Array {
  const vector = defaultControls();
  const wanted = read(prompt);
  const unwanted = read(negative_prompt);
  for (const [name, opinion] of wanted.suggests) control(vector, name).set(mean(opinion, name));
  for (const [name, opinion] of wanted.sets) control(vector, name).set(mean(opinion, name));
  for (const word of wanted.unknown) vary(vector, hashOf(word));
  control(vector, "palette").set([ownPalette(wanted)]);
  for (const opinions of [wanted.rejects, unwanted.sets]) reject(vector, opinions);
  clampControls(vector);
  return vector;
}

function read(text: string): Reading {
  const reading: Reading = {
    sets: new Map(),
    suggests: new Map(),
    rejects: new Map(),
    unknown: [],
  };
  const words = tokens(text);
  const loose: Rgb[] = [];
  let negated = false;
  let next = 0;
  for (let at = 0; at < words.length; at++) {
    let word = words[at] ?? "";
    // `black and white` is `black white`: silent words in between are skipped.
    next = Math.max(next, at + 1);
    while (next < words.length && SILENT.has(words[next] ?? "")) next++;
    const phrase = PHRASES.get(`${word} ${words[next]}`);
    if (phrase !== undefined) {
      word = phrase;
      at = next;
    }
    if (NEGATIONS.has(word)) negated = true;
    if (SILENT.has(word) || NEGATIONS.has(word)) continue;
    const colour = phrase === undefined ? COLOURS.get(word) : undefined;
    const meaning = colour === undefined ? meaningOf(word) : undefined;
    if (colour !== undefined) {
      const painted = wordForms(words[at + 1] ?? "", (form) => PAINTED.get(form));
      if (negated) for (const name of painted ?? SKY) add(reading.rejects, name, colour);
      else if (painted === undefined) loose.push(colour);
      else for (const name of painted) add(reading.sets, name, colour);
    } else if (meaning === undefined) {
      const known = wordForms(word, (form) => PAINTED.get(form));
      if (known === undefined) reading.unknown.push(word);
    } else {
      addAll(negated ? reading.rejects : reading.sets, meaning.sets);
      if (!negated) addAll(reading.suggests, meaning.suggests);
    }
    negated = false;
  }
  if (loose.length > 0) spread(reading.sets, loose);
  return reading;
}

/** What a negated colour without a noun takes its colour from. */
const SKY = ["zenith", "horizon", "accent"] as const;

const meaningOf = (word: string): Meaning | undefined =>
  wordForms(word, (form) => MEANINGS.get(form));

function addAll(opinions: Opinions, settings: Settings): void {
  for (const [name, setting] of Object.entries(settings) as [ControlName, Setting][]) {
    add(opinions, name, typeof setting === "string" ? rgb(setting) : [setting, 0, 0]);
  }
}

/** Colours that belong to no noun take turns in the palette, dark at the zenith and pale at the horizon. */
function spread(opinions: Opinions, colours: readonly Rgb[]): void {
  for (const [index, [name, lightness]] of SHADES.entries()) {
    const colour = colours[index % colours.length] ?? [0, 0, 0];
    const [red, green, blue] = colour.map((each) =>
      lightness < 0 ? each * (1 + lightness) : each + (1 - each) * lightness,
    );
    // Twice: a colour that is named outweighs one that a place suggests.
    for (let times = 0; times < 2; times++) add(opinions, name, [red ?? 0, green ?? 0, blue ?? 0]);
  }
}

function add(opinions: Opinions, name: ControlName, value: Rgb): void {
  let opinion = opinions.get(name);
  if (opinion === undefined) {
    opinion = { count: 0, sum: [0, 0, 0] };
    opinions.set(name, opinion);
  }
  opinion.count++;
  for (const at of [0, 1, 2] as const) opinion.sum[at] += value[at];
}

const mean = ({ count, sum }: Opinion, name: ControlName): number[] =>
  sum.slice(0, CONTROLS[name].size).map((each) => each / count);

/** A named or suggested colour colours most of a picture, an unknown word some of it. */
function ownPalette({ sets, suggests, unknown }: Reading): number {
  const named = SHADES.filter(([name]) => sets.has(name) || suggests.has(name)).length;
  if (named > 0) return named === 1 ? 0.75 : 1;
  return unknown.length > 0 ? 0.6 : 0;
}

/** Numbers move as far down as the word would have moved them up; colours lose the word's hue. */
function reject(vector: Float32Array, opinions: Opinions): void {
  const defaults = defaultControls();
  for (const [name, opinion] of opinions) {
    const place = control(vector, name);
    const usual = control(defaults, name);
    const denied = mean(opinion, name);
    const grey = denied.reduce((sum, each) => sum + each, 0) / denied.length;
    for (const [at, each] of denied.entries()) {
      const away = place.length === 1 ? each - (usual[0] ?? 0) : (each - grey) * 0.7;
      place[at] = (place[at] ?? 0) - away;
    }
  }
}

/** An unknown word chooses a colour and some numbers by its hash. */
function vary(vector: Float32Array, hash: number): void {
  const bits = (from: number): number => ((hash >>> from) & 255) / 255;
  // By offsets, as a long prompt has thousands of these words, and views of the vector would take most of the time.
  const change = (offset: number, next: (value: number) => number): void => {
    vector[offset] = next(vector[offset] ?? 0);
  };
  for (const [index, name] of VARIED_COLOURS.entries()) {
    for (let at = 0; at < 3; at++) {
      const own = bits(8 * ((at + index) % 3));
      change(OFFSETS[name] + at, (value) => value + (own - value) * UNKNOWN_COLOUR);
    }
  }
  for (const [index, name] of UNKNOWN_MOVES.entries()) {
    change(OFFSETS[name], (value) => value + (bits(4 * index) - 0.5) * 2 * UNKNOWN_NUMBER);
  }
  change(OFFSETS.variation, (value) => (value + bits(13)) % 1);
}
