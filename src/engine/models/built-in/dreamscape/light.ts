/** The position and colour of the light in a landscape of dreamscape. */
import type { Value } from "../../graph-builder.ts";
import { type Canvas, HORIZON } from "./canvas.ts";

/** A source of light. */
export interface Light {
  /** In heights: `x` from the middle, `y` from the top. */
  readonly x: Value;
  readonly y: Value;
  /** The colour of a white surface in this light, `[1,3,1,1]`. */
  readonly colour: Value;
  /** 1 by day, near 0 at night. */
  readonly day: Value;
}

export function light(c: Canvas): Light {
  const day = c.sub(1, c.mul(c.control("night"), 0.82));
  const low = c.sub(1, c.ramp(c.control("sun"), 0, 0.6));
  const white = c.mix(c.rgb(1, 1, 1), c.control("horizon"), c.add(0.25, c.mul(low, 0.5)));
  return {
    x: c.mul(c.sub(c.fraction(c.chance(1)), 0.5), 0.5),
    y: c.sub(HORIZON, c.mul(c.control("sun"), 0.44)),
    colour: c.mul(white, day),
    day,
  };
}
