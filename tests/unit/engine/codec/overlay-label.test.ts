import { expect, test } from "bun:test";
import { strokesOf } from "../../../../src/engine/codec/overlay-font.ts";
import { type Label, LabelCanvas } from "../../../../src/engine/codec/overlay-label.ts";

const SIZES = [
  { width: 64, height: 64 },
  { width: 256, height: 256 },
  { width: 512, height: 512 },
  { width: 640, height: 64 },
  { width: 720, height: 1280 },
  { width: 1920, height: 1080 },
];

const label = (changes: Partial<Label> = {}): Label => ({
  wordings: ["loading dreamscape · 3 s", "loading · 3 s", "loading"],
  bar: null,
  ...changes,
});

/** The bar's row that is painted brightest: its white pixels' first and last column. */
function barOf(canvas: LabelCanvas): { from: number; to: number; length: number } {
  let best = { from: 0, to: 0, length: 0 };
  for (let row = Math.floor(canvas.height * 0.7); row < canvas.height; row++) {
    const luma = canvas.luma.subarray(row * canvas.width, (row + 1) * canvas.width);
    const track = [...luma.keys()].filter((at) => luma[at] === 95 || luma[at] === 235);
    const white = track.filter((at) => luma[at] === 235);
    if (track.length <= best.length) continue;
    best = { from: white[0] ?? 0, to: (white.at(-1) ?? -1) + 1, length: track.length };
  }
  return best;
}

test("every character of a model's name or of a wording is drawn", () => {
  const needed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:·…";
  const shapes = [...needed].map((character) => {
    const { strokes } = strokesOf(character);
    expect(strokes.length).toBeGreaterThan(0);
    return JSON.stringify(strokes);
  });
  // Upright letters share a shape with one another; most do not.
  expect(new Set(shapes).size).toBeGreaterThan(needed.length - 5);
});

test("all digits have the same width", () => {
  const widths = Array.from({ length: 10 }, (_, digit) => strokesOf(`1${digit} s`).width);
  expect(new Set(widths).size).toBe(1);
});

test("a label lies inside its frame at even coordinates and covers little of the picture", () => {
  for (const size of SIZES) {
    const { x, y, width, height, luma, alpha } = new LabelCanvas(size);
    for (const length of [x, y, width, height]) expect(length % 2).toBe(0);
    expect(x + width).toBeLessThanOrEqual(size.width);
    expect(y + height).toBeLessThanOrEqual(size.height);
    expect(x).toBeGreaterThan(0);
    expect(y).toBeGreaterThan(0);
    expect([luma.length, alpha.length]).toEqual([width * height, width * height]);
    expect(luma.length).toBeLessThan(0.45 * size.width * size.height);
  }
});

test("a narrow frame gets a shorter wording, which fits", () => {
  const wide = (size: { width: number; height: number }): number => {
    const canvas = new LabelCanvas(size);
    canvas.paint(label());
    const lit = [...canvas.luma.keys()].filter((at) => (canvas.luma[at] ?? 0) > 200);
    const columns = lit.map((at) => at % canvas.width);
    expect(Math.max(...columns)).toBeLessThan(canvas.width - 2);
    return Math.max(...columns) / size.height;
  };
  expect(wide({ width: 512, height: 512 })).toBeGreaterThan(0.45);
  expect(wide({ width: 64, height: 64 })).toBeGreaterThan(0.5);
});

test("the bar is filled by its share, and never beyond its track", () => {
  const canvas = new LabelCanvas({ width: 512, height: 512 });
  for (const share of [0, 0.25, 0.5, 1, 3]) {
    canvas.paint(label({ bar: { share } }));
    const { from, to, length } = barOf(canvas);
    expect((to - from) / length).toBeCloseTo(Math.min(1, share), 1);
  }
});

test("unknown progress moves a piece to and fro", () => {
  const canvas = new LabelCanvas({ width: 512, height: 512 });
  const at = (runningFor: number): number => {
    canvas.paint(label({ bar: { runningFor } }));
    const { from, to, length } = barOf(canvas);
    expect((to - from) / length).toBeCloseTo(0.25, 1);
    return from;
  };
  const [start, middle, end, back] = [at(0), at(0.8), at(1.6), at(2.4)];
  expect(start).toBeLessThan(middle);
  expect(middle).toBeLessThan(end);
  expect(back).toBe(middle);
});

test("repainting leaves no trace of the label before", () => {
  const size = { width: 256, height: 256 };
  const [used, fresh] = [new LabelCanvas(size), new LabelCanvas(size)];
  used.paint(label({ bar: { share: 0.7 } }));
  for (const canvas of [used, fresh]) canvas.paint(label({ wordings: ["failed"], bar: null }));
  expect(used.luma).toEqual(fresh.luma);
  expect(used.alpha).toEqual(fresh.alpha);
});
