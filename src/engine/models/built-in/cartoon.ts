/** Flat colours and ink: shades in few steps, outlines dark. */
import { GraphBuilder, type Value } from "../graph-builder.ts";
import { GraphMath } from "../graph-math.ts";
import { luma } from "../luma.ts";
import type { BuiltIn } from "./built-in.ts";

export const cartoon: BuiltIn = {
  json: {
    description:
      "Few shades, strong colours and dark outlines, as in a drawing (filters, no network)",
    file: "cartoon.onnx",
    inputs: {
      shades: {
        role: "param",
        default: 5,
        min: 2,
        max: 16,
        integer: true,
        description: "Steps from dark to light",
      },
      ink: { role: "param", default: 1, min: 0, max: 3, description: "How dark outlines are" },
      colour: {
        role: "param",
        default: 1.4,
        min: 0,
        max: 3,
        description: "0 is grey, 1 as it was",
      },
    },
  },
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
    // Darker than what is around it: a line.
    const line = m.clamp(m.sub(1, m.mul(m.sub(m.sub(around, light), 5), m.mul(ink, 0.06))));
    const smooth = m.mul(m.add(light, around), 0.5);
    const flat = stepped(m, smooth, shades);
    const kept = m.mul(m.sub(graph.cast(picture, "float32"), light), colour);
    const drawn = m.clamp(m.mul(m.add(kept, flat), line), 0, 255);
    graph.output("image", graph.cast(drawn, "uint8"), "uint8", [1, 3, "height", "width"]);
    return graph.build("cartoon");
  },
};

/** Levels that are flat within and cross over within a third of a step, so that noise does not flicker. */
function stepped(m: GraphMath, light: Value, steps: Value): Value {
  const size = m.div(255, m.sub(steps, 1));
  const level = m.div(light, size);
  const whole = m.floor(level);
  const crossing = m.clamp(m.add(m.mul(m.sub(level, whole), 3), -1));
  return m.mul(m.add(whole, crossing), size);
}
