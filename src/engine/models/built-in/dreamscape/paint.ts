/** The abstract scene of dreamscape: the palette's colours flow into each other, with the relief of thick paint. */
import type { Value } from "../../graph-builder.ts";
import type { Canvas } from "./canvas.ts";

export function paint(c: Canvas): Value {
  const { x, y } = c.soft;
  const lively = c.add(0.12, c.mul(c.control("turbulence"), 0.3));
  const u = c.add(c.mul(x, 0.2), c.chance(70), c.drift(6));
  const v = c.add(c.mul(y, 0.2), c.chance(71));
  const bend = c.sub(c.noise(u, c.add(v, c.drift(9))), 0.5);
  const turn = c.sub(c.noise(c.add(v, 0.37), c.add(u, c.drift(-7))), 0.5);
  const p = c.add(u, c.mul(bend, lively, 2.2));
  const q = c.add(v, c.mul(turn, lively, 2.2));
  const flow = c.noise(p, q);
  const strokes = c.noise(c.add(c.mul(p, 3), c.mul(flow, 0.5)), c.mul(q, 9));

  const tone = c.sharpen(
    c.add(c.mul(flow, 0.85), c.mul(bend, 0.3), c.mul(c.sub(strokes, 0.5), 0.16)),
  );
  const dark = c.mix(c.control("zenith"), c.control("land"), c.ramp(tone, 0.2, 0.4));
  const warm = c.mix(dark, c.control("accent"), c.ease(c.ramp(tone, 0.4, 0.55)));
  const pale = c.mix(warm, c.control("horizon"), c.ease(c.ramp(tone, 0.6, 0.72)));
  const deep = c.mix(pale, c.control("sea"), c.ease(c.ramp(tone, 0.74, 0.9)));

  const relief = c.add(
    c.mul(c.sub(c.relief(p, q), 0.5), 1.5),
    c.mul(c.sub(strokes, 0.5), c.add(0.15, c.mul(c.control("detail"), 0.5))),
  );
  return c.mul(deep, c.add(1, c.sharpen(relief)));
}
