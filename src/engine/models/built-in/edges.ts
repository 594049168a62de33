/** The model `edges`: draws the magnitude of the Sobel gradient of luma, white on black. */
import { GraphBuilder, type Value } from "../graph-builder.ts";
import { luma } from "../luma.ts";
import { type BuiltIn, drawing, NUMBER, PICTURE } from "./built-in.ts";

export const edges: BuiltIn = {
  json: {
    description: "Draws the outlines of video in white on black (Sobel gradient)",
    file: "edges.onnx",
    inputs: {
      strength: {
        role: "param",
        default: 1,
        min: 0,
        max: 4,
        description: "Brightness of faint outlines; 0 is black",
      },
    },
  },
  signature: drawing({ picture: PICTURE, strength: NUMBER }),
  graph() {
    const graph = new GraphBuilder();
    const picture = graph.input("picture", "uint8", [1, 3, "height", "width"]);
    const strength = graph.input("strength", "float32", []);
    // The border is repeated outwards: zeros there would draw a frame around every picture.
    const padded = graph.node(
      "Pad",
      [luma(graph, picture), graph.constant("int64", [8], [0, 0, 1, 1, 0, 0, 1, 1])],
      { mode: "edge" },
    );
    const across = difference(graph, smooth(graph, padded, ROWS), COLUMNS);
    const down = smooth(graph, difference(graph, padded, ROWS), COLUMNS);
    const energy = graph.node("Add", [
      graph.node("Mul", [across, across]),
      graph.node("Mul", [down, down]),
    ]);
    const bright = graph.node("Mul", [graph.node("Sqrt", [energy]), strength]);
    const white = graph.constant("float32", [], [255]);
    const gray = graph.cast(graph.node("Min", [bright, white]), "uint8");
    const image = graph.node("Concat", [gray, gray, gray], { axis: 1n });
    graph.output("image", image, "uint8", [1, 3, "height", "width"]);
    return graph.build("edges");
  },
};

const ROWS = 2;
const COLUMNS = 3;

/** Sobel's kernel is separable into two passes of sums, cheaper than a convolution of one channel. */
function smooth(graph: GraphBuilder, from: Value, axis: number): Value {
  const middle = shifted(graph, from, axis, 1);
  const outer = graph.node("Add", [shifted(graph, from, axis, 0), shifted(graph, from, axis, 2)]);
  return graph.node("Add", [outer, graph.node("Add", [middle, middle])]);
}

function difference(graph: GraphBuilder, from: Value, axis: number): Value {
  return graph.node("Sub", [shifted(graph, from, axis, 2), shifted(graph, from, axis, 0)]);
}

/** All lines along `axis` but two, starting at line `first`. */
function shifted(graph: GraphBuilder, from: Value, axis: number, first: 0 | 1 | 2): Value {
  const beyond = 2 ** 31 - 1;
  const list = (number: number): Value => graph.constant("int64", [1], [number]);
  return graph.node("Slice", [from, list(first), list(first < 2 ? first - 2 : beyond), list(axis)]);
}
