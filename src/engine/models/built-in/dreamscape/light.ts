/** Where light comes from in a landscape, and what it makes of white. */
import type { Value } from "../../graph-builder.ts";
import { type Canvas, HORIZON } from "./canvas.ts";

/** Where the light comes from, and its colour. */
export interface Light {
  /** In heights from the middle, and from the top. */
  readonly x: Value;
  readonly y: Value;
  /** What white becomes in it, `[1,3,1,1]`. */
  readonly colour: Value;
  /** 1 by day, little by night. */
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
