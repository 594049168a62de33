/** The model `dreamscape`: draws landscapes, cities, seas and abstract paint from a prompt, without video. */
import type { ControlName } from "../../../prompts/controls.ts";
import { GraphBuilder, type Value } from "../../graph-builder.ts";
import { type BuiltIn, drawing, INTEGER } from "../built-in.ts";
import { PROMPT_INPUTS, PROMPT_TENSORS } from "../prompt-input.ts";
import { Canvas, HORIZON } from "./canvas.ts";
import { houses } from "./city.ts";
import { ground } from "./ground.ts";
import { type Light, light } from "./light.ts";
import { dunes, mountains } from "./mountains.ts";
import { paint } from "./paint.ts";
import { sea } from "./sea.ts";
import { sky } from "./sky.ts";
import { farWoods, nearWoods } from "./woods.ts";

export const dreamscape: BuiltIn = {
  json: {
    description:
      "Draws a prompt without any video: procedural landscapes, cities, seas and abstract paint " +
      "(noise and a table of words, no trained network)",
    file: "dreamscape.onnx",
    inputs: {
      ...PROMPT_INPUTS,
      width: { role: "width" },
      height: { role: "height" },
    },
  },
  signature: drawing({ ...PROMPT_TENSORS, width: INTEGER, height: INTEGER }),
  graph() {
    const graph = new GraphBuilder();
    const c = new Canvas(graph);
    const [dive, abstract] = [c.control("underwater"), c.control("abstract")];
    const depicts = c.sub(1, abstract);
    const dry = c.where(
      c.mul(depicts, c.sub(1, dive)),
      () => misty(c, weather(c, landscape(c))),
      () => c.control("sea"),
    );
    const scene = c.where(
      c.mul(depicts, dive),
      () => c.mix(dry, sea(c), dive),
      () => dry,
    );
    const picture = c.where(
      abstract,
      () => c.mix(scene, paint(c), abstract),
      () => scene,
    );
    const large = c.resize(graded(c, picture), 3, c.height, c.width);
    graph.output("image", graph.cast(large, "uint8"), "uint8", [1, 3, "height", "width"]);
    return graph.build("dreamscape");
  },
};

/** Paints layers from back to front; a layer whose control is 0 costs nothing. */
function landscape(c: Canvas): Value {
  const sun = light(c);
  type Layer = (c: Canvas, behind: Value, sun: Light) => Value;
  const over = (behind: Value, name: ControlName, layer: Layer): Value =>
    c.where(
      c.control(name),
      () => layer(c, behind, sun),
      () => behind,
    );
  let scene = over(sky(c, sun), "mountains", mountains);
  scene = over(scene, "forest", farWoods);
  scene = over(scene, "city", houses);
  scene = ground(c, scene, sun);
  scene = over(scene, "dunes", dunes);
  return over(scene, "forest", nearWoods);
}

function weather(c: Canvas, scene: Value): Value {
  const wet = c.where(
    c.control("rain"),
    () => rain(c, scene),
    () => scene,
  );
  return c.where(
    c.control("snow"),
    () => snow(c, wet),
    () => wet,
  );
}

function rain(c: Canvas, scene: Value): Value {
  const { x, y } = c.fine;
  const slant = c.add(c.mul(x, 0.8), c.mul(y, 0.07));
  const streaks = c.texels("streaks", slant, c.sub(c.mul(y, 0.8), c.drift(1150)));
  const colour = c.mix(c.control("horizon"), c.rgb(0.8, 0.85, 0.9), 0.4);
  return c.mix(scene, colour, c.mul(streaks, c.control("rain"), 0.3));
}

function snow(c: Canvas, scene: Value): Value {
  const { x, y } = c.fine;
  const flakes = (size: number, cycles: number): Value =>
    c.texels(
      "dots",
      c.add(c.mul(x, size), c.drift(cycles / 3)),
      c.sub(c.mul(y, size), c.drift(cycles)),
    );
  const falling = c.max(flakes(0.55, 70), c.mul(flakes(0.95, 60), 0.7));
  const strength = c.mul(c.ramp(c.control("snow"), 0.3, 0.9), 0.85);
  return c.mix(scene, c.rgb(0.97, 0.98, 1), c.mul(falling, strength));
}

/** Drifting fog around the horizon; thin fog shows in the distance only. */
function misty(c: Canvas, scene: Value): Value {
  const thick = c.max(c.sub(c.square(c.control("fog")), 0.02), 0);
  const fog = (): Value => {
    const u = c.add(c.mul(c.soft.x, 0.16), c.drift(18));
    const drifting = c.noise(u, c.add(c.mul(c.soft.y, 0.5), c.drift(6)));
    const level = c.clamp(c.sub(1, c.mul(c.abs(c.sub(c.soft.y, HORIZON)), 1.5)));
    const share = c.mul(c.add(0.15, c.mul(drifting, 1.15)), c.mul(level, thick));
    return c.mix(scene, c.control("horizon"), c.sharpen(c.clamp(share, 0, 0.92)));
  };
  return c.where(thick, fog, () => scene);
}

/** Applies warmth, saturation, contrast and a darker rim; gives 0 to 255. */
function graded(c: Canvas, picture: Value): Value {
  const middle = 0.45;
  const [saturation, contrast] = [c.control("saturation"), c.control("contrast")];
  const tint = c.add(c.mul(c.rgb(0.13, 0.015, -0.15), c.control("warmth")), 1);
  const grey = c.graph.node("ReduceMean", [picture], { axes: [1n], keepdims: 1n });
  const base = c.mul(c.sub(1, contrast), middle);
  const paler = c.add(c.mul(grey, c.mul(c.sub(1, saturation), contrast)), base);
  const graded = c.add(c.mul(picture, c.mul(tint, saturation, contrast)), paler);
  const { x, y } = c.fine;
  const rim = c.sub(265, c.mul(c.add(c.square(x), c.square(c.sub(y, 0.5))), 100));
  return c.clamp(c.mul(graded, rim), 0, 255);
}
