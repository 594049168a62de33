import { describe, expect, test } from "bun:test";
import { COLOURS } from "../../../../src/engine/prompts/colour-words.ts";
import {
  CONTROL_NAMES,
  CONTROLS,
  type ControlName,
  control,
  defaultControls,
  OFFSETS,
  VECTOR_LENGTH,
} from "../../../../src/engine/prompts/controls.ts";
import { encodePrompts } from "../../../../src/engine/prompts/lexicon.ts";
import { MEANINGS, PHRASES } from "../../../../src/engine/prompts/meaning.ts";

const encode = (prompt: string, negative_prompt?: string) =>
  encodePrompts([{ prompt, ...(negative_prompt !== undefined && { negative_prompt }) }]);
const number = (vector: Float32Array, name: ControlName): number => vector[OFFSETS[name]] ?? 0;
const rgb = (vector: Float32Array, name: ControlName): number[] => [...control(vector, name)];

test("no prompt gives the defaults", () => {
  expect(encodePrompts([])).toEqual(defaultControls());
  expect(encode("")).toEqual(defaultControls());
  expect(defaultControls().length).toBe(VECTOR_LENGTH);
});

test("some hundreds of words are known, and every setting of theirs lies in its control's range", () => {
  expect(MEANINGS.size + COLOURS.size).toBeGreaterThan(400);
  for (const [word, { sets, suggests }] of MEANINGS) {
    for (const [name, setting] of [...Object.entries(sets), ...Object.entries(suggests)]) {
      const { min, max, size } = CONTROLS[name as ControlName];
      expect(`${word} ${name} ${size}`).toBe(
        `${word} ${name} ${typeof setting === "string" ? 3 : 1}`,
      );
      if (typeof setting === "string") expect(setting).toMatch(/^#[0-9a-f]{6}$/);
      else expect(setting >= min && setting <= max).toBe(true);
    }
  }
  for (const meant of PHRASES.values()) expect(MEANINGS.has(meant)).toBe(true);
});

describe("words set the controls that they name", () => {
  test.each([
    ["city at night in the rain", { city: 1, night: 1, rain: 0.85, mountains: 0.05 }],
    ["underwater coral", { underwater: 1 }],
    ["desert at sunset", { dunes: 1, water: 0, sun: 0.06 }],
    ["northern lights over a frozen lake", { aurora: 1, night: 1, water: 0.85 }],
    ["a dark forest in fog", { forest: 1, fog: 0.85 }],
    ["an abstract painting", { abstract: 1 }],
  ] as const)("%s", (prompt, expected) => {
    const vector = encode(prompt);
    for (const [name, value] of Object.entries(expected)) {
      expect(`${name} ${number(vector, name as ControlName).toFixed(2)}`).toBe(
        `${name} ${value.toFixed(2)}`,
      );
    }
  });
});

test.each([
  ["mountains", "mountain"],
  ["Cities", "city"],
  ["foggy", "fog"],
  ["rainy", "rain"],
  ["STORMY", "storm"],
  ["beaches!", "beach"],
  ["snowing", "snow"],
])("%s means the same as %s", (one, other) => {
  expect(encode(one)).toEqual(encode(other));
});

test("a colour before a noun paints that noun, others take turns on the palette", () => {
  const painted = encode("a red sky over green hills");
  const [red = 0, green = 0, blue = 0] = rgb(painted, "zenith");
  expect(red).toBeGreaterThan(2 * Math.max(green, blue));
  const [r = 0, g = 0] = rgb(painted, "land");
  expect(g).toBeGreaterThan(2 * r);
  expect(number(painted, "variation")).toBe(0);

  const loose = encode("abstract, red and gold");
  expect(rgb(loose, "zenith")).not.toEqual(rgb(loose, "accent"));
  for (const name of ["zenith", "accent"] as const) {
    const [warm = 0, , cold = 0] = rgb(loose, name);
    expect(warm).toBeGreaterThan(2 * cold);
  }
});

test("words that only say where and how much change nothing", () => {
  const plain = encodePrompts([{ prompt: "lake mountains sunset" }]);
  for (const prompt of [
    "a lake below the mountains at sunset",
    "lake between mountains, towards sunset",
  ]) {
    expect(encodePrompts([{ prompt }])).toEqual(plain);
  }
});

test("a phrase is one with a silent word between its words", () => {
  expect(encode("a photo in black and white")).toEqual(encode("black white"));
  expect(number(encode("black and white"), "saturation")).toBe(0);
});

test("a palette is the prompt's own only as far as words colour it", () => {
  expect(number(encode("a watercolor painting"), "palette")).toBe(0);
  expect(number(encode("qwxyz"), "palette")).toBeWithin(0.3, 1);
  expect(number(encode("red and gold"), "palette")).toBe(1);
});

test("unknown words vary the picture, each in its own way, always the same and only so far", () => {
  const plain = encode("a lake");
  const seen = new Set<string>();
  for (const word of ["zorblax", "quintavia", "öhrlixq", "東京", "constructor", "__proto__"]) {
    const varied = encode(`a ${word} lake`);
    expect(encode(`a ${word} lake`)).toEqual(varied);
    expect(varied).not.toEqual(plain);
    expect(Math.abs(number(varied, "water") - number(plain, "water"))).toBeLessThanOrEqual(0.26);
    seen.add(varied.join());
  }
  expect(seen.size).toBe(6);
});

test("what a negative prompt names goes away, and so does what follows no or without", () => {
  const usual = number(encode("a mountain lake"), "clouds");
  expect(number(encode("a mountain lake", "clouds"), "clouds")).toBeLessThan(usual);
  expect(number(encode("a mountain lake without clouds"), "clouds")).toBeLessThan(usual);
  expect(number(encode("forest", "trees"), "forest")).toBeLessThan(
    number(encode("forest"), "forest"),
  );
  const chroma = ([r = 0, g = 0, b = 0]: number[]) => Math.max(r, g, b) - Math.min(r, g, b);
  expect(chroma(rgb(encode("a blue sky", "blue"), "zenith"))).toBeLessThan(
    chroma(rgb(encode("a blue sky"), "zenith")),
  );
});

test("weights share a picture between prompts, and one below 1 alone stays near the defaults", () => {
  const mixed = (city: number, forest: number) =>
    encodePrompts([
      { prompt: "city", weight: city },
      { prompt: "forest", weight: forest },
    ]);
  expect(number(mixed(3, 1), "city")).toBeCloseTo(0.75, 5);
  expect(number(mixed(1, 3), "city")).toBeCloseTo(0.25, 5);
  expect(number(encodePrompts([{ prompt: "city", weight: 0.5 }]), "city")).toBeCloseTo(0.5, 5);
  expect(encodePrompts([{ prompt: "city", weight: 0 }])).toEqual(defaultControls());
  expect(encodePrompts([{ prompt: "city", weight: 9 }])).toEqual(encode("city"));
});

test("whatever is asked, every control stays in its range", () => {
  for (const prompt of [
    [...MEANINGS.keys()].join(" "),
    "no no without dark dark dark night storm rage -1 (lava:9) 🙂",
    "x".repeat(10_000),
    "a\u0000b \ud800",
  ]) {
    for (const weight of [-5, 0.3, 1, 1e9]) {
      const vector = encodePrompts([{ prompt, weight, negative_prompt: "sea fog red bright" }]);
      for (const name of CONTROL_NAMES) {
        const { min, max } = CONTROLS[name];
        for (const each of control(vector, name)) {
          expect(each).toBeGreaterThanOrEqual(Math.fround(min));
          expect(each).toBeLessThanOrEqual(Math.fround(max));
        }
      }
    }
  }
});
