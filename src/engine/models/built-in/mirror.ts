/** The model `mirror`: a kaleidoscope that folds the picture into a turning wheel of sectors. */
import { GraphBuilder, type Value } from "../graph-builder.ts";
import { GraphMath } from "../graph-math.ts";
import { type BuiltIn, drawing, INTEGER, NUMBER, PICTURE, SUM } from "./built-in.ts";

/** The maximum number of folds; each halves the angle of a sector. */
const FOLDS = 4;

export const mirror: BuiltIn = {
  json: {
    description: "A kaleidoscope: mirrors video into a turning wheel (geometry, no network)",
    file: "mirror.onnx",
    inputs: {
      folds: {
        role: "param",
        default: 3,
        min: 0,
        max: FOLDS,
        integer: true,
        description: "Number of folds, for 2, 4, 8 or 16 sectors; 0 leaves the picture whole",
      },
      turn: {
        role: "param",
        sum: true,
        default: 0.03,
        min: 0,
        max: 0.5,
        description: "Turns of the wheel per second",
      },
      zoom: {
        role: "param",
        default: 1,
        min: 0.25,
        max: 4,
        description: "Magnification of the picture before it is mirrored",
      },
    },
  },
  signature: drawing({ picture: PICTURE, folds: INTEGER, turn: SUM, zoom: NUMBER }),
  graph() {
    const graph = new GraphBuilder();
    const m = new GraphMath(graph);
    const picture = graph.input("picture", "uint8", [1, 3, "height", "width"]);
    const folds = graph.cast(graph.input("folds", "int64", []), "float32");
    // In single precision a wheel that has turned for a day would jerk.
    const turns = graph.input("turn", "float64", []);
    const zoom = graph.input("zoom", "float32", []);

    const shape = graph.node("Shape", [picture]);
    const side = (at: number): Value =>
      graph.node("Gather", [shape, graph.constant("int64", [], [at])]);
    const [height, width] = [side(2), side(3)];
    const h = graph.cast(height, "float32");
    const w = graph.cast(width, "float32");
    const centres = (length: Value, dims: number[]): Value => {
      const [zero, one] = [graph.constant("int64", [], [0]), graph.constant("int64", [], [1])];
      const all = graph.cast(graph.node("Range", [zero, length, one]), "float32");
      return m.reshape(m.sub(m.add(all, 0.5), m.mul(graph.cast(length, "float32"), 0.5)), ...dims);
    };
    const phase = graph.node("Sub", [turns, graph.node("Floor", [turns])]);
    const angle = m.mul(graph.cast(phase, "float32"), 2 * Math.PI);

    let [x, y] = rotated(m, centres(width, [1, -1]), centres(height, [-1, 1]), angle);
    for (let fold = 0; fold < FOLDS; fold++) {
      [x, y] = folded(m, x, y, Math.PI / 2 ** fold, m.clamp(m.sub(folds, fold)));
    }
    const pixel = (from: Value, length: Value): Value => {
      const at = m.add(m.div(from, zoom), m.mul(length, 0.5));
      // Beyond an edge the picture continues mirrored, so that no edge shows.
      const twice = m.mul(length, 2);
      const along = m.mul(m.fraction(m.div(at, twice)), twice);
      const back = m.min(along, m.sub(twice, along));
      return graph.cast(m.clamp(back, 0, m.sub(length, 1)), "int32");
    };
    const row = graph.node("Mul", [pixel(y, h), graph.cast(width, "int32")]);
    const place = m.reshape(graph.node("Add", [row, pixel(x, w)]), -1);
    const flat = m.reshape(picture, 3, -1);
    const image = graph.node("Reshape", [graph.node("Gather", [flat, place], { axis: 1n }), shape]);
    graph.output("image", image, "uint8", [1, 3, "height", "width"]);
    return graph.build("mirror");
  },
};

function rotated(m: GraphMath, x: Value, y: Value, angle: Value): [Value, Value] {
  const [cos, sin] = [m.cos(angle), m.sin(angle)];
  return [m.sub(m.mul(x, cos), m.mul(y, sin)), m.add(m.mul(x, sin), m.mul(y, cos))];
}

/** Mirrors everything beyond the line at `angle`; does nothing where `on` is 0. */
function folded(m: GraphMath, x: Value, y: Value, angle: number, on: Value): [Value, Value] {
  const [nx, ny] = [-Math.sin(angle), Math.cos(angle)];
  const beyond = m.max(m.add(m.mul(x, nx), m.mul(y, ny)), 0);
  return [m.sub(x, m.mul(beyond, m.mul(on, 2 * nx))), m.sub(y, m.mul(beyond, m.mul(on, 2 * ny)))];
}
