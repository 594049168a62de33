/**
 * The model `restyle`: gives video the colours, light and texture of a prompt and keeps its edges. Styling runs at a
 * quarter of the size; the result is upsampled as a local linear function of brightness (guided upsampling), so
 * that nothing blurs.
 */
import { GraphBuilder, type Value } from "../graph-builder.ts";
import { GraphMath } from "../graph-math.ts";
import { luma } from "../luma.ts";
import { type BuiltIn, drawing, NUMBER, PICTURE } from "./built-in.ts";
import { type Grid, grid, sizeOf } from "./grid.ts";
import { Noise } from "./noise.ts";
import { PROMPT_INPUTS, PROMPT_TENSORS, PromptInput } from "./prompt-input.ts";
import { reliefField } from "./textures.ts";

/** Pixels per styled sample, along each side. */
const SMALL = 4n;

export const restyle: BuiltIn = {
  json: {
    description:
      "Gives video the colours, light and texture of a prompt, and keeps its edges: procedural " +
      "(palettes, noise and a table of words, no trained network)",
    file: "restyle.onnx",
    inputs: {
      ...PROMPT_INPUTS,
      strength: {
        role: "param",
        default: 0.85,
        min: 0,
        max: 1,
        description: "0 keeps the video, 1 uses only the prompt's colours",
      },
      texture: {
        role: "param",
        default: 0.5,
        min: 0,
        max: 1,
        description: "Amount of structure and moving light",
      },
    },
  },
  signature: drawing({ picture: PICTURE, ...PROMPT_TENSORS, strength: NUMBER, texture: NUMBER }),
  graph() {
    const graph = new GraphBuilder();
    const m = new GraphMath(graph);
    const picture = graph.input("picture", "uint8", [1, 3, "height", "width"]);
    const prompt = new PromptInput(m);
    const strength = graph.input("strength", "float32", []);
    const texture = graph.input("texture", "float32", []);

    const light = luma(graph, picture);
    const colours = graph.cast(picture, "float32");
    const small = m.mul(shrunk(m, colours), 1 / 255);
    const smallLight = m.mul(shrunk(m, light), 1 / 255);
    const places = grid(m, ...sides(m, small));
    const relief = structure(m, prompt, places, texture);
    const painted = palette(m, prompt, m.add(smallLight, relief));
    // A prompt without colours keeps those of the video; one with colours lets a little of them through.
    const own = m.sub(1, m.mul(prompt.control("palette"), 0.78));
    const goal = relight(m, prompt, places, m.mix(painted, m.add(small, relief), own));
    const { slope, offset } = fit(m, smallLight, m.mul(goal, strength));

    // Where the style is weak, the video's own colours come through at full sharpness.
    const toFullSize = (of: Value): Value => m.resize(of, 3, ...sides(m, picture));
    const styled = m.add(m.mul(toFullSize(slope), light), toFullSize(m.mul(offset, 255)));
    const image = m.clamp(m.add(m.mul(colours, m.sub(1, strength)), styled), 0, 255);
    graph.output("image", graph.cast(image, "uint8"), "uint8", [1, 3, "height", "width"]);
    return graph.build("restyle");
  },
};

function sides(m: GraphMath, picture: Value): [rows: Value, columns: Value] {
  const { rows, columns } = sizeOf(m, picture);
  return [rows, columns];
}

/** Averages squares of pixels; at the right and lower edge smaller ones. */
const shrunk = (m: GraphMath, picture: Value): Value =>
  m.graph.node("AveragePool", [picture], {
    kernel_shape: [SMALL, SMALL],
    strides: [SMALL, SMALL],
    ceil_mode: 1n,
  });

/** Maps brightness to the prompt's colours, from dark to light. */
function palette(m: GraphMath, prompt: PromptInput, light: Value): Value {
  const ground = m.mix(prompt.control("land"), prompt.control("sea"), prompt.control("water"));
  const deep = m.mix(ground, prompt.control("sea"), prompt.control("underwater"));
  const dark = m.mul(toLuma(m, prompt.control("zenith"), 0.12), 1);
  const low = m.mix(toLuma(m, dark, 0.1), toLuma(m, deep, 0.36), m.ease(m.ramp(light, 0.08, 0.38)));
  const middle = m.mix(
    low,
    toLuma(m, prompt.control("accent"), 0.64),
    m.ease(m.ramp(light, 0.36, 0.68)),
  );
  return m.mix(
    middle,
    toLuma(m, prompt.control("horizon"), 0.93),
    m.ease(m.ramp(light, 0.64, 0.98)),
  );
}

/** A colour made lighter or darker until it has the luma `target`. */
function toLuma(m: GraphMath, colour: Value, target: number): Value {
  const weighted = m.mul(colour, m.rgb(0.299, 0.587, 0.114));
  const bright = m.graph.node("ReduceSum", [weighted, m.ints(1)], { keepdims: 1n });
  const whiter = m.clamp(m.div(m.sub(target, bright), m.sub(1.02, bright)));
  const darker = m.clamp(m.div(target, m.add(bright, 0.01)));
  return m.mul(m.mix(colour, 1, whiter), darker);
}

/** A moving change of brightness: brush strokes, ripples and grain. */
function structure(
  m: GraphMath,
  prompt: PromptInput,
  { x, y, ...size }: Grid,
  amount: Value,
): Value {
  const noise = new Noise(m, reliefField(1));
  const places: Grid = { x, y, ...size };
  const u = m.add(m.mul(x, 0.7), prompt.drift(22), prompt.chance(1));
  const v = m.add(m.mul(y, 0.7), prompt.drift(9), prompt.chance(2));
  const strokes = m.sub(noise.on(places, u, v), 0.5);
  const strong = m.add(
    0.12,
    m.mul(prompt.control("detail"), 0.25),
    m.mul(prompt.control("turbulence"), 0.2),
  );
  return m.mul(strokes, m.mul(strong, amount));
}

/** Applies the prompt's night, haze, warmth, saturation and contrast. */
function relight(m: GraphMath, prompt: PromptInput, { x, y }: Grid, picture: Value): Value {
  const hazy = m.mul(m.mul(prompt.control("fog"), 0.55), m.sub(1, m.mul(y, 0.6)));
  const misty = m.mix(picture, prompt.control("horizon"), hazy);
  const tint = m.add(m.mul(m.rgb(0.13, 0.015, -0.15), prompt.control("warmth")), 1);
  const dim = m.sub(1, m.mul(prompt.control("night"), 0.4));
  const rim = m.sub(1.06, m.mul(m.add(m.square(x), m.square(m.sub(y, 0.5))), 0.5));
  const grey = m.graph.node("ReduceMean", [misty], { axes: [1n], keepdims: 1n });
  const vivid = m.mix(grey, misty, prompt.control("saturation"));
  const strong = m.add(m.mul(m.sub(vivid, 0.45), prompt.control("contrast")), 0.45);
  return m.mul(strong, m.mul(rim, m.mul(tint, dim)));
}

/** Fits `goal` by `slope · light + offset` around each sample (least squares). */
function fit(m: GraphMath, light: Value, goal: Value): { slope: Value; offset: Value } {
  const around = (of: Value): Value =>
    m.graph.node("AveragePool", [of], {
      kernel_shape: [5n, 5n],
      pads: [2n, 2n, 2n, 2n],
      count_include_pad: 0n,
    });
  const [meanLight, meanGoal] = [around(light), around(goal)];
  const together = m.sub(around(m.mul(goal, light)), m.mul(meanGoal, meanLight));
  const spread = m.sub(around(m.square(light)), m.square(meanLight));
  const slope = m.div(together, m.add(spread, 0.0008));
  return { slope, offset: m.sub(meanGoal, m.mul(slope, meanLight)) };
}
