/** Turns prompts into controls by a table of words: no network, no training, the same every time. */
import type { Prompt } from "../protocol/work.ts";
import { COLOURS, PAINTED, type Rgb, rgb } from "./colour-words.ts";
import {
  CONTROL_NAMES,
  CONTROLS,
  type ControlName,
  clampControls,
  control,
  defaultControls,
} from "./controls.ts";
import { MEANINGS, NEGATIONS, PHRASES, type Settings, SILENT } from "./meaning.ts";
import { hashOf, tokens, wordForms } from "./tokens.ts";

/** What a loose colour (`red and gold`) is in each stop of the palette: how light it becomes. */
const SHADES: readonly (readonly [ControlName, number])[] = [
  ["zenith", -0.5],
  ["horizon", 0.35],
  ["land", -0.3],
  ["accent", 0],
  ["sea", -0.45],
];
/** How far one unknown word moves a colour towards its own, and a number from where it is. */
const UNKNOWN_COLOUR = 0.35;
const UNKNOWN_NUMBER = 0.25;
const UNKNOWN_MOVES = ["mountains", "clouds", "water", "forest", "blossoms", "turbulence"] as const;

/**
 * The controls that these prompts ask for, each in its range, `motion` 0. Prompts count by weight (1 where
 * none is given): a sum of up to 1 is a distance from the defaults, beyond it the prompts share.
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

/** What words say of each control: one entry a word. */
type Opinions = Map<ControlName, Rgb[]>;

/** One text, read word by word. */
interface Reading {
  readonly says: Opinions;
  readonly implies: Opinions;
  readonly denies: Opinions;
  readonly unknown: string[];
}

function encodePrompt({ prompt, negative_prompt = "" }: Prompt): Float32Array {
  const vector = defaultControls();
  const wanted = read(prompt);
  const unwanted = read(negative_prompt);
  for (const [name, values] of wanted.implies) control(vector, name).set(mean(values, name));
  for (const [name, values] of wanted.says) control(vector, name).set(mean(values, name));
  for (const word of wanted.unknown) vary(vector, hashOf(word));
  control(vector, "palette").set([ownPalette(wanted)]);
  for (const opinions of [wanted.denies, unwanted.says]) deny(vector, opinions);
  clampControls(vector);
  return vector;
}

function read(text: string): Reading {
  const reading: Reading = {
    says: new Map(),
    implies: new Map(),
    denies: new Map(),
    unknown: [],
  };
  const words = tokens(text);
  const loose: Rgb[] = [];
  let negated = false;
  for (let at = 0; at < words.length; at++) {
    let word = words[at] ?? "";
    // `black and white` is `black white`: what stands between and says nothing is skipped.
    const next = words.findIndex((other, index) => index > at && !SILENT.has(other));
    const phrase = PHRASES.get(`${word} ${words[next]}`);
    if (phrase !== undefined) {
      word = phrase;
      at = next;
    }
    if (NEGATIONS.has(word)) negated = true;
    if (SILENT.has(word) || NEGATIONS.has(word)) continue;
    const colour = phrase === undefined ? COLOURS.get(word) : undefined;
    const meaning = wordForms(word, (form) => MEANINGS.get(form));
    if (colour !== undefined) {
      const painted = wordForms(words[at + 1] ?? "", (form) => PAINTED.get(form));
      if (negated)
        for (const name of painted ?? (["zenith", "horizon", "accent"] as const))
          opine(reading.denies, name, colour);
      else if (painted === undefined) loose.push(colour);
      else for (const name of painted) opine(reading.says, name, colour);
    } else if (meaning === undefined) {
      const known = wordForms(word, (form) => PAINTED.get(form));
      if (known === undefined) reading.unknown.push(word);
    } else {
      settle(negated ? reading.denies : reading.says, meaning.says);
      if (!negated) settle(reading.implies, meaning.implies);
    }
    negated = false;
  }
  if (loose.length > 0) spread(reading.says, loose);
  return reading;
}

function settle(opinions: Opinions, settings: Settings): void {
  for (const name of CONTROL_NAMES) {
    const setting = settings[name];
    if (setting === undefined) continue;
    opine(opinions, name, typeof setting === "string" ? rgb(setting) : [setting, 0, 0]);
  }
}

/** Colours that belong to no noun take turns on the palette, dark above and pale at the horizon. */
function spread(opinions: Opinions, colours: readonly Rgb[]): void {
  for (const [index, [name, lightness]] of SHADES.entries()) {
    const colour = colours[index % colours.length] ?? [0, 0, 0];
    const [red, green, blue] = colour.map((each) =>
      lightness < 0 ? each * (1 + lightness) : each + (1 - each) * lightness,
    );
    // Twice: a colour that is named outweighs one that a place suggests.
    for (let times = 0; times < 2; times++)
      opine(opinions, name, [red ?? 0, green ?? 0, blue ?? 0]);
  }
}

function opine(opinions: Opinions, name: ControlName, value: Rgb): void {
  opinions.set(name, [...(opinions.get(name) ?? []), value]);
}

function mean(values: readonly Rgb[], name: ControlName): number[] {
  return Array.from(
    { length: CONTROLS[name].size },
    (_, at) => values.reduce((sum, value) => sum + (value[at] ?? 0), 0) / values.length,
  );
}

/** One colour that is named or suggested colours most of a picture; a word that nobody knows, some of it. */
function ownPalette({ says, implies, unknown }: Reading): number {
  const named = SHADES.filter(([name]) => says.has(name) || implies.has(name)).length;
  if (named > 0) return named === 1 ? 0.75 : 1;
  return unknown.length > 0 ? 0.6 : 0;
}

/** Numbers go as far below as the word would have gone above; colours lose the word's hue. */
function deny(vector: Float32Array, opinions: Opinions): void {
  const defaults = defaultControls();
  for (const [name, values] of opinions) {
    const place = control(vector, name);
    const usual = control(defaults, name);
    const denied = mean(values, name);
    const grey = denied.reduce((sum, each) => sum + each, 0) / denied.length;
    for (const [at, each] of denied.entries()) {
      const away = place.length === 1 ? each - (usual[0] ?? 0) : (each - grey) * 0.7;
      place[at] = (place[at] ?? 0) - away;
    }
  }
}

/** A word that nobody knows chooses a colour and some numbers by its hash. */
function vary(vector: Float32Array, hash: number): void {
  const bits = (from: number): number => ((hash >>> from) & 255) / 255;
  for (const [index, name] of (["accent", "zenith", "land"] as const).entries()) {
    const place = control(vector, name);
    for (const [at, value] of place.entries()) {
      place[at] = value + (bits(8 * ((at + index) % 3)) - value) * UNKNOWN_COLOUR;
    }
  }
  for (const [index, name] of UNKNOWN_MOVES.entries()) {
    const place = control(vector, name);
    place[0] = (place[0] ?? 0) + (bits(4 * index) - 0.5) * 2 * UNKNOWN_NUMBER;
  }
  const variation = control(vector, "variation");
  variation[0] = ((variation[0] ?? 0) + bits(13)) % 1;
}
