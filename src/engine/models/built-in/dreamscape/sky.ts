/** The sky of dreamscape: its gradient, stars, sun or moon, northern lights and clouds. */
import type { Value } from "../../graph-builder.ts";
import { type Canvas, HORIZON } from "./canvas.ts";
import type { Light } from "./light.ts";

export function sky(c: Canvas, sun: Light): Value {
  const { x, y } = c.fine;
  const down = c.clamp(c.div(y, HORIZON));
  const gradient = c.mix(c.control("zenith"), c.control("horizon"), c.square(down));
  const cover = sharpClouds(c, sun);
  const open = c.sub(1, cover.density);

  const stars = c.mul(
    c.texels("stars", c.add(x, c.drift(2)), y),
    c.mul(c.control("stars"), 1.3),
    c.sub(1, c.square(down)),
    open,
  );
  const distance = c.add(c.square(c.sub(x, sun.x)), c.square(c.sub(y, sun.y)));
  const glow = c.mul(
    c.div(0.03, c.add(distance, 0.03)),
    c.sub(0.75, c.mul(c.control("night"), 0.45)),
  );
  const disc = c.mul(c.ramp(c.sqrt(distance), 0.052, 0.044), c.sub(1, c.mul(cover.density, 0.8)));
  const shine = c.mix(c.control("accent"), c.rgb(1, 0.98, 0.92), 0.45);

  const lit = c.add(gradient, stars, c.mul(c.sub(c.control("accent"), gradient), c.mul(glow, 0.6)));
  const clouded = c.mix(lit, cover.colour, cover.density);
  const fair = c.mix(clouded, shine, c.mul(disc, 0.92));
  return c.where(
    c.control("aurora"),
    () => c.add(fair, northernLights(c, open)),
    () => fair,
  );
}

/** Clouds in a plane above the viewer, lighter on the sides towards the sun. */
function sharpClouds(c: Canvas, sun: Light): { density: Value; colour: Value } {
  const { x, y } = c.soft;
  const away = c.div(0.16, c.max(c.sub(HORIZON + 0.07, y), 0.07));
  const restless = c.control("turbulence");
  const u = c.add(c.mul(x, away, 0.9), c.drift(14), c.chance(2));
  const v = c.add(c.mul(away, 0.55), c.drift(5), c.chance(3));
  const lumps = c.noise(u, v);
  const wisps = c.noise(c.add(c.mul(u, 3), c.drift(20)), c.mul(v, 3));
  const field = c.add(c.mul(lumps, 0.75), c.mul(wisps, 0.25));
  const towardsSun = c.noise(c.add(u, c.mul(c.sub(sun.x, x), 0.05)), c.add(v, 0.02));

  const rise = c.mul(
    c.sub(field, c.sub(0.86, c.mul(c.control("clouds"), 0.66))),
    c.add(2.6, c.mul(restless, 2)),
  );
  const density = c.ease(c.clamp(rise));
  const bright = c.clamp(c.add(0.55, c.mul(c.sub(lumps, towardsSun), 3.2)));
  const white = c.mix(
    c.control("horizon"),
    c.rgb(1, 1, 1),
    c.mul(0.55, sun.day, c.sub(1, c.control("rain"))),
  );
  const grey = c.mul(c.mix(c.control("zenith"), c.control("horizon"), 0.45), 0.78);
  const thin = c.mul(density, c.ramp(y, HORIZON + 0.02, HORIZON - 0.16), 0.92);
  return { density: c.sharpen(thin), colour: c.mix(grey, white, c.sharpen(bright)) };
}

/** Two curtains of different colours; noise places their lower edges, and rays rise from there. */
function northernLights(c: Canvas, open: Value): Value {
  const { x, y } = c.fine;
  const curtain = (number: number, height: number): Value => {
    const along = c.add(c.mul(x, 0.22), c.drift(9 + 5 * number), c.chance(4 + number));
    const wave = c.mul(c.sub(c.noiseLine(along, c.drift(11)), 0.5), 0.55);
    const above = c.sub(c.add(height, wave), y);
    const rays = c.noiseLine(c.add(c.mul(x, 1.1), c.drift(30), c.mul(wave, 0.5)), c.drift(26));
    const edge = c.ramp(above, -0.03, 0.02);
    const fade = c.exp(c.mul(c.max(above, 0), -5.5));
    return c.mul(edge, fade, c.add(0.1, c.mul(rays, 1.1)));
  };
  const [near, far] = [curtain(0, 0.36), curtain(1, 0.24)];
  const other = c.mix(c.control("accent"), c.rgb(0.55, 0.25, 0.95), 0.75);
  const shine = c.add(c.mul(c.control("accent"), near), c.mul(other, far, 0.8));
  return c.mul(shine, c.mul(c.control("aurora"), open, c.ramp(y, HORIZON, HORIZON - 0.2)));
}
