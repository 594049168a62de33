/** The model `cartoon`: reduces a picture to flat shades with dark outlines. */
import { GraphBuilder, type Value } from "../graph-builder.ts";
import { GraphMath } from "../graph-math.ts";
import { luma } from "../luma.ts";
import { type BuiltIn, drawing, INTEGER, NUMBER, PICTURE } from "./built-in.ts";

export const cartoon: BuiltIn = {
  json: {
    description:
      "Turns video into a drawing with few shades, strong colours and dark outlines (filters, no network)",
    file: "cartoon.onnx",
    inputs: {
      shades: {
        role: "param",
        default: 5,
        min: 2,
        max: 16,
        integer: true,
        description: "Number of shades from dark to light",
      },
      ink: { role: "param", default: 1, min: 0, max: 3, description: "Darkness of the outlines" },
      colour: {
        role: "param",
        default: 1.4,
        min: 0,
        max: 3,
        description: "Saturation: 0 is grey, 1 keeps the colours",
      },
    },
  },
  signature: drawing({ picture: PICTURE, shades: INTEGER, ink: NUMBER, colour: NUMBER }),
  graph() {
    const graph = new GraphBuilder();
    const m = new GraphMath(graph);
    const picture = graph.input("picture", "uint8", [1, 3, "height", "width"]);
    const shades = graph.cast(graph.input("shades", "int64", []), "float32");
    const ink = graph.input("ink", "float32", []);
    const colour = graph.input("colour", "float32", []);

    const light = luma(graph, picture);
    const pool = { kernel_shape: [5n, 5n], pads: [2n, 2n, 2n, 2n], count_include_pad: 0n };
    const around = graph.node("AveragePool", [light], pool);
    // A pixel that is darker than its surroundings belongs to a line.
    const line = m.clamp(m.sub(1, m.mul(m.sub(m.sub(around, light), 5), m.mul(ink, 0.06))));
    const smooth = m.mul(m.add(light, around), 0.5);
    const flat = quantized(m, smooth, shades);
    const chroma = m.mul(m.sub(graph.cast(picture, "float32"), light), colour);
    const drawn = m.clamp(m.mul(m.add(chroma, flat), line), 0, 255);
    graph.output("image", graph.cast(drawn, "uint8"), "uint8", [1, 3, "height", "width"]);
    return graph.build("cartoon");
  },
};

/** Rounds light to levels. Neighbouring levels blend over a third of a step, so that noise does not flicker. */
function quantized(m: GraphMath, light: Value, steps: Value): Value {
  const size = m.div(255, m.sub(steps, 1));
  const level = m.div(light, size);
  const whole = m.floor(level);
  const crossing = m.clamp(m.add(m.mul(m.sub(level, whole), 3), -1));
  return m.mul(m.add(whole, crossing), size);
}
