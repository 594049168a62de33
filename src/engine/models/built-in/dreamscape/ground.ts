/** The ground layer of dreamscape: land with blossoms, and water that reflects the scene above it. */
import type { Value } from "../../graph-builder.ts";
import { type Canvas, HORIZON } from "./canvas.ts";
import type { Light } from "./light.ts";
import { hazed } from "./mountains.ts";

/** The distance of the ground: 1 at the lower edge, growing towards the horizon. */
const farness = (c: Canvas, y: Value): Value => c.div(0.47, c.max(c.sub(y, HORIZON - 0.03), 0.03));

/** `above` with everything below the horizon painted over. */
export function ground(c: Canvas, above: Value, sun: Light): Value {
  const land = shore(c, sun);
  const rainy = c.mul(c.control("rain"), c.control("city"), 0.75);
  const below = c.where(
    c.max(c.control("water"), rainy),
    () => c.mix(land.colour, water(c, above, sun), c.max(land.water, rainy)),
    () => land.colour,
  );
  return c.mix(above, below, c.below(HORIZON + 0.012));
}

function shore(c: Canvas, sun: Light): { colour: Value; water: Value } {
  const far = farness(c, c.soft.y);
  const u = c.add(c.mul(c.soft.x, far, 0.22), c.chance(40));
  const v = c.add(c.mul(far, 0.3), c.chance(41));
  const lumps = c.noise(u, v);
  const clear = c.clamp(c.div(2.4, far));
  const grain = c.mul(c.sub(c.relief(c.mul(u, 5), c.mul(v, 5)), 0.5), clear, c.control("detail"));
  const shade = c.add(0.85, c.mul(c.sub(lumps, 0.5), 0.5), c.mul(grain, 1.2));

  const near = c.ramp(far, 3, 1);
  const snowy = c.mix(c.control("land"), c.rgb(0.92, 0.95, 1), c.mul(c.control("snow"), 0.75));
  const lit = c.mul(c.mul(snowy, sun.colour), c.sharpen(shade));
  const blossoming = c.where(
    c.control("blossoms"),
    () => c.mix(lit, c.mul(c.control("accent"), sun.colour), blossoms(c, c.sharpen(lumps))),
    () => lit,
  );
  const level = c.sub(c.mul(c.control("water"), 1.75), c.add(0.35, c.mul(near, 0.35)));
  const wave = c.mul(c.sub(lumps, 0.5), 1.1);
  return {
    colour: c.mix(hazed(c, blossoming, 1, 0.8), blossoming, c.sharpen(near)),
    water: c.sharpen(c.ramp(c.add(level, wave), 0.06, 0.14)),
  };
}

function blossoms(c: Canvas, lumps: Value): Value {
  const far = farness(c, c.fine.y);
  const dots = (size: number): Value =>
    c.texels("dots", c.mul(c.mul(far, size), c.fine.x), c.mul(far, size * -1.4));
  const patches = c.ramp(c.add(c.mul(lumps, 0.8), c.control("blossoms")), 0.5, 0.95);
  return c.mul(c.ramp(c.max(dots(0.55), dots(0.87), dots(1.3)), 0, 0.5), patches);
}

/** The scene above, upside down and distorted by waves, in the colour of the sea, with glitter from the sun. */
function water(c: Canvas, above: Value, sun: Light): Value {
  const far = farness(c, c.soft.y);
  const u = c.add(c.mul(c.soft.x, c.add(far, 1), 0.2), c.drift(14));
  const waves = c.sharpen(c.sub(c.noise(u, c.add(c.mul(far, 1.15), c.drift(42))), 0.5));
  const deep = c.max(c.sub(c.fine.y, HORIZON), 0);
  const restless = c.add(0.1, c.control("turbulence"));

  const bent = c.mul(waves, c.mul(restless, c.add(0.05, c.mul(deep, 0.75))));
  const mirrored = mirror(c, above, c.add(c.sub(2 * HORIZON, c.fine.y), bent));
  const body = c.mul(
    c.mul(c.control("sea"), sun.colour),
    c.add(0.95, c.mul(waves, c.mul(restless, 1.6))),
  );
  const seen = c.sub(0.82, c.mul(deep, 0.75));
  const beside = c.square(c.sub(c.fine.x, sun.x));
  const path = c.div(0.012, c.add(0.012, c.div(beside, c.add(0.3, c.mul(deep, 4)))));
  const clear = c.mul(c.sub(1, c.control("clouds")), c.add(0.2, c.mul(sun.day, 0.55)));
  const glitter = c.mul(c.ramp(waves, 0.02, 0.2), path, clear);
  const foam = c.mul(c.ramp(c.mul(waves, restless), 0.13, 0.24), 0.55);
  const lively = c.mix(c.mix(body, mirrored, seen), sun.colour, foam);
  return c.add(lively, c.mul(c.control("accent"), glitter));
}

/** Samples a picture of three channels at the heights `y` `[1,1,h,w]`. */
function mirror(c: Canvas, picture: Value, y: Value): Value {
  const { graph } = c;
  const rows = graph.cast(c.fine.rows, "float32");
  const row = c.clamp(c.mul(y, rows), 0, c.mul(rows, HORIZON));
  const index = graph.cast(c.min(row, c.sub(rows, 1)), "int64");
  const places = graph.node("Expand", [index, graph.node("Shape", [picture])]);
  return graph.node("GatherElements", [picture, places], { axis: 2n });
}
