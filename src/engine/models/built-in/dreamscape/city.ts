/** The city layer of dreamscape: houses with lit windows. */
import type { Value } from "../../graph-builder.ts";
import { randomRow, SIDE, skyline } from "../textures.ts";
import { type Canvas, HORIZON } from "./canvas.ts";
import type { Light } from "./light.ts";
import { hazed } from "./mountains.ts";

/** Height of the tallest house, skylines per height of the picture, haze, lightness, and windows per height. */
const ROWS = [
  { height: 0.5, wide: 0.42, haze: 0.75, tone: 1.15, cells: 95 },
  { height: 0.34, wide: 0.3, haze: 0.2, tone: 0.6, cells: 62 },
] as const;

/** Two rows of houses; at night every other window is lit, in warm white or in the accent colour. */
export function houses(c: Canvas, behind: Value, sun: Light): Value {
  const stone = c.mul(c.mix(c.rgb(0.42, 0.44, 0.5), c.control("land"), 0.35), sun.colour);
  const lamps = c.add(0.06, c.mul(c.control("night"), 0.94));
  let picture = behind;
  for (const [row, { height, wide, haze, tone, cells }] of ROWS.entries()) {
    const along = c.add(c.mul(c.fine.x, wide), c.chance(30 + row));
    const tall = c.mul(c.element(skyline(60 + row), along), c.control("city"), height);
    const foot = c.ramp(c.fine.y, HORIZON + 0.016, HORIZON + 0.01);
    const shown = c.mul(
      c.below(c.sub(HORIZON + 0.012, tall)),
      foot,
      c.ramp(c.control("city"), 0, 0.12),
    );
    const facade = c.mix(picture, hazed(c, stone, tone, haze), shown);
    const panes = windows(c, along, wide, cells);
    picture = c.add(facade, c.mul(panes, c.mul(shown, lamps, 1 - haze * 0.45)));
  }
  return picture;
}

function windows(c: Canvas, along: Value, wide: number, cells: number): Value {
  const across = c.mul(along, Math.round(cells / wide / SIDE) * SIDE);
  const up = c.mul(c.fine.y, cells * 0.8);
  const random = (step: number, stride: number): Value => {
    const number = c.add(c.mul(c.floor(across), step), c.mul(c.floor(up), stride));
    return c.element(randomRow(5), c.mul(number, 1 / SIDE));
  };
  const pane = (of: Value): Value => c.ramp(c.abs(c.sub(c.fraction(of), 0.5)), 0.42, 0.2);
  const lit = c.ramp(random(1, 37), 0.52, 0.62);
  const colour = c.mix(
    c.rgb(1, 0.78, 0.42),
    c.control("accent"),
    c.ramp(random(3, 11), 0.55, 0.75),
  );
  return c.mul(colour, c.mul(pane(across), pane(up), lit, 0.95));
}
