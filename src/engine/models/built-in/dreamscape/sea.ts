/** The underwater scene of dreamscape: light from above, coral reefs, fish and bubbles. */
import type { Value } from "../../graph-builder.ts";
import { reef } from "../textures.ts";
import type { Canvas } from "./canvas.ts";

/** Base and height in heights of the picture, reefs per height, and haze by the water. */
const REEFS = [
  { base: 0.78, height: 0.16, wide: 0.8, haze: 0.7 },
  { base: 0.9, height: 0.22, wide: 0.6, haze: 0.4 },
  { base: 1.06, height: 0.34, wide: 0.42, haze: 0.05 },
] as const;

export function sea(c: Canvas): Value {
  const { x, y } = c.fine;
  const water = c.control("sea");
  const bright = c.mix(water, c.control("horizon"), 0.55);
  const depth = c.clamp(c.mul(y, 1.1));
  const fall = c.sub(c.mul(depth, 1.7), c.mul(c.square(depth), 0.75));
  const rays = c.mul(shafts(c, 0.5, 24, 0.2), c.square(c.sub(1.05, depth)), 0.55);
  let picture = c.add(c.mix(bright, c.mul(water, 0.5), fall), c.mul(c.rgb(0.75, 0.95, 0.9), rays));

  const violet = c.mix(c.control("accent"), c.rgb(0.5, 0.2, 0.85), 0.75);
  const rough = c.sharpen(c.relief(c.mul(c.soft.x, 2.2), c.mul(c.soft.y, 2.2)));
  for (const [row, { base, height, wide, haze }] of REEFS.entries()) {
    picture = shoal(c, picture, row);
    const corals = reef(70 + row);
    const swell = c.sub(c.noiseLine(c.add(c.mul(x, 0.4), c.drift(40)), 0.1 * row), 0.5);
    const along = c.add(c.mul(x, wide), c.chance(50 + row), c.mul(swell, 0.015));
    const floor = c.mul(c.noiseLine(c.mul(along, 0.5), 0.5 + row / 9), 0.16);
    const top = c.sub(base, c.add(floor, c.mul(c.outline(corals.tops, along), height)));
    const hue = c.element(corals.hues, along);
    const warm = c.mix(c.control("accent"), c.control("land"), c.ramp(hue, 0.3, 0.6));
    const colour = c.mix(warm, violet, c.ramp(hue, 0.68, 0.72));
    const deep = c.sub(y, top);
    const shade = c.mul(
      c.clamp(c.sub(1.12, c.mul(deep, 2.2)), 0.3, 1.2),
      c.add(0.25, c.mul(rough, 1.4)),
    );
    const lit = c.mix(c.mul(colour, shade), c.mul(water, 0.85), haze);
    picture = c.mix(picture, lit, c.below(top));
  }
  const bubbles = c.texels("dots", c.mul(x, 1.1), c.add(y, c.drift(120)));
  return c.add(picture, c.mul(bubbles, 0.25));
}

/** Slanting rays of light, 0 to 1. */
function shafts(c: Canvas, wide: number, cycles: number, row: number): Value {
  const slant = c.add(c.mul(c.soft.x, wide), c.mul(c.soft.y, -0.3 * wide));
  const light = c.noise(c.add(slant, c.drift(cycles)), c.add(row, c.drift(30)));
  return c.sharpen(c.ramp(light, 0.42, 0.8));
}

/** Distant fish: elongated dots that swim across in a band. */
function shoal(c: Canvas, behind: Value, row: number): Value {
  const size = 0.7 - row * 0.15;
  const wave = c.mul(c.noiseLine(c.add(c.mul(c.fine.x, 0.3), c.drift(20)), 0.9), 0.2);
  const along = c.add(c.mul(c.fine.x, size), c.drift(row === 1 ? -70 : 55), c.chance(60 + row));
  const up = c.mul(c.add(c.fine.y, wave), size * 2.4);
  const band = c.ramp(c.abs(c.sub(c.fine.y, 0.3 + 0.12 * row)), 0.2, 0.05);
  const fish = c.mul(c.ramp(c.texels("dots", along, up), 0.1, 0.5), band, 0.4 + row * 0.25);
  return c.mix(behind, c.mix(c.control("accent"), c.control("sea"), 0.4 - row * 0.15), fish);
}
