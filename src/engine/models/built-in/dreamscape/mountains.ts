/** The mountain layers of dreamscape: ranges and hills on the horizon, and dunes in front of it. */
import type { Value } from "../../graph-builder.ts";
import type { Operand } from "../../graph-math.ts";
import { type Canvas, HORIZON } from "./canvas.ts";
import type { Light } from "./light.ts";

/** `colour` at the brightness `shade`, blended into the fog by its distance from 0 (near) to 1 (far). */
export function hazed(c: Canvas, colour: Value, shade: Operand, distance: number): Value {
  const share = c.clamp(c.mul(c.add(0.16, c.mul(c.control("fog"), 0.95)), distance));
  const left = c.mul(colour, c.sub(1, share));
  return c.add(c.mul(left, shade), c.mul(c.control("horizon"), share));
}

/** Height relative to the highest, peaks per height of the picture, haze from 0 (near) to 1 (far). */
const RANGES = [
  { height: 0.6, wide: 0.3, haze: 1 },
  { height: 0.42, wide: 0.4, haze: 0.6 },
  { height: 0.16, wide: 0.34, haze: 0.3 },
] as const;

export function mountains(c: Canvas, behind: Value, sun: Light): Value {
  const { x, y } = c.fine;
  const high = c.control("mountains");
  const bare = c.mix(c.control("land"), c.rgb(0.42, 0.42, 0.46), c.mul(c.ramp(high, 0.4, 1), 0.7));
  // All ranges share one relief of rock, steeper than that of the ground.
  const rock = c.sharpen(c.relief(c.add(c.mul(c.soft.x, 0.75), c.chance(9)), c.mul(c.soft.y, 0.6)));
  const rough = c.mul(c.sub(rock, 0.5), c.add(0.7, c.mul(c.control("detail"), 1.3)));
  let picture = behind;
  for (const [number, { height, wide, haze }] of RANGES.entries()) {
    const along = c.add(c.mul(x, wide), c.chance(10 + number));
    const lumps = c.noiseLine(along, 0.1 + number / 7);
    const folds = c.noiseLine(c.mul(along, 1.7), 0.3 + number / 7);
    const crests = c.sub(1, c.mul(c.abs(c.sub(folds, 0.5)), 2.6));
    const rise = c.max(c.add(c.mul(lumps, 1.35), c.mul(crests, 0.45), -0.6), 0.01);
    const top = c.sub(HORIZON - 0.004, c.mul(rise, high, height));
    const deep = c.sub(y, top);
    const shade = c.clamp(c.add(0.86, rough, c.mul(deep, -0.5)), 0.3, 1.3);
    const colour = number < 2 ? bare : c.control("land");
    // Snow covers the heights, and in winter everything.
    const line = c.sub(c.add(HORIZON - 0.27, c.mul(c.control("snow"), 0.35)), y);
    const white = c.mul(
      c.ramp(c.add(line, c.mul(rough, 0.12)), -0.02, 0.03),
      c.sub(0.92, c.control("dunes")),
    );
    const covered = c.mix(colour, c.rgb(0.94, 0.96, 1), c.clamp(white));
    picture = c.mix(picture, hazed(c, c.mul(covered, sun.colour), shade, haze), c.below(top));
  }
  return picture;
}

/** Base of each row in heights from the top, its height, and its dunes per height of the picture. */
const DUNES = [
  [0.6, 0.05, 0.2],
  [0.7, 0.1, 0.13],
  [0.9, 0.2, 0.09],
] as const;

/** Smooth crests with fine ripples, light on the side of the sun and darker towards the foot. */
export function dunes(c: Canvas, behind: Value, sun: Light): Value {
  const { x, y } = c.fine;
  const shown = c.ramp(c.control("dunes"), 0.2, 0.6);
  let picture = behind;
  for (const [number, [base, height, wide]] of DUNES.entries()) {
    const along = c.add(c.mul(x, wide), c.chance(80 + number));
    const swell = (at: Value): Value => c.noiseLine(at, 0.05 + number / 5);
    // The mean of neighbours smooths the crest.
    const line = c.mul(
      c.add(swell(c.sub(along, 0.012)), swell(along), swell(c.add(along, 0.012))),
      1 / 3,
    );
    const top = c.sub(base, c.mul(c.sub(line, 0.35), height * 2.4));
    const slope = c.mul(c.sub(swell(c.add(along, 0.03)), swell(c.sub(along, 0.03))), 1.6);
    const deep = c.sub(y, top);
    const ripples = c.mul(c.sin(c.add(c.mul(deep, 160 - number * 40), c.mul(line, 60))), 0.025);
    const shade = c.clamp(c.add(1.02, slope, ripples, c.mul(deep, -1.6)), 0.45, 1.2);
    const sand = hazed(c, c.mul(c.control("land"), sun.colour), shade, 0.55 - number * 0.25);
    picture = c.mix(picture, sand, c.mul(c.below(top), shown));
  }
  return picture;
}
