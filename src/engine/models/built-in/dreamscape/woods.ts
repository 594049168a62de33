/** The woods of dreamscape: rows of conifers, darker the nearer they are. */
import type { Value } from "../../graph-builder.ts";
import { treeline } from "../textures.ts";
import { type Canvas, HORIZON } from "./canvas.ts";
import type { Light } from "./light.ts";
import { hazed } from "./mountains.ts";

interface Row {
  /** The foot of the trees, in heights from the top, and their height. */
  readonly base: number;
  readonly height: number;
  /** Repetitions of the outline per height of the picture. */
  readonly wide: number;
  readonly haze: number;
  /** The control `forest` from which on this row appears. */
  readonly from: number;
}

const FAR: readonly Row[] = [
  { base: HORIZON + 0.01, height: 0.13, wide: 1.3, haze: 0.9, from: 0.05 },
  { base: HORIZON + 0.02, height: 0.22, wide: 0.85, haze: 0.6, from: 0.3 },
];
const NEAR: readonly Row[] = [
  { base: 0.7, height: 0.42, wide: 0.55, haze: 0.34, from: 0.55 },
  { base: 0.98, height: 0.95, wide: 0.3, haze: 0.1, from: 0.7 },
];

/** Trees on the horizon. */
export const farWoods = (c: Canvas, behind: Value, sun: Light): Value => rows(c, behind, sun, FAR);

/** Trees in the foreground, which leave the middle open. */
export const nearWoods = (c: Canvas, behind: Value, sun: Light): Value =>
  rows(c, behind, sun, NEAR);

function rows(c: Canvas, behind: Value, sun: Light, list: readonly Row[]): Value {
  const leaf = c.mix(c.control("land"), c.rgb(0.03, 0.12, 0.06), 0.62);
  const snowy = c.mix(leaf, c.rgb(0.8, 0.85, 0.9), c.mul(c.control("snow"), 0.4));
  const green = c.mul(snowy, sun.colour);
  let picture = behind;
  for (const { base, height, wide, haze, from } of list) {
    const near = base > 0.65;
    const along = c.add(c.mul(c.fine.x, wide), c.chance(20 + wide));
    const grove = c.noiseLine(c.mul(along, 0.7), wide);
    const aside = near
      ? c.ramp(c.abs(c.add(c.fine.x, c.mul(c.sub(grove, 0.5), 0.4))), 0.02, 0.3)
      : 1;
    const trees = c.outline(treeline(90 + Math.round(wide * 20)), along);
    const dense = c.ramp(
      c.add(c.control("forest"), c.mul(c.sub(grove, 0.5), 0.5)),
      from,
      from + 0.3,
    );
    const top = c.sub(
      base,
      c.mul(trees, c.mul(c.add(0.55, c.mul(grove, 0.9)), dense, aside, height)),
    );
    const tall = c.mul(c.sub(base, c.fine.y), 0.9 / height);
    const lit = c.add(0.55, c.mul(c.clamp(tall), 0.5));
    const foot = near ? c.ramp(c.fine.y, base + 0.03, base - 0.03) : 1;
    picture = c.mix(
      picture,
      hazed(c, green, lit, haze),
      c.mul(c.below(top), foot, c.ramp(dense, 0, 0.1)),
    );
  }
  return picture;
}
