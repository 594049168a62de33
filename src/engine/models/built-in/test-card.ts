/** The model `test-card`: draws colour bars, a sweep and a bouncing ball, without video. */
import { GraphBuilder, type Value } from "../graph-builder.ts";
import { type BuiltIn, drawing, INTEGER, NUMBER, SUM } from "./built-in.ts";

/** White, yellow, cyan, green, magenta, red, blue at 75 %, as on broadcast bars. */
const BARS = [
  [191, 191, 191],
  [191, 191, 0],
  [0, 191, 191],
  [0, 191, 0],
  [191, 0, 191],
  [191, 0, 0],
  [0, 0, 191],
] as const;
const BACKGROUND = [16, 20, 28] as const;
const SWEEP = [90, 220, 255] as const;
const BALL = [255, 246, 224] as const;

export const testCard: BuiltIn = {
  json: {
    description: "A moving test picture: colour bars, a sweep and a bouncing ball",
    file: "test-card.onnx",
    inputs: {
      width: { role: "width" },
      height: { role: "height" },
      speed: {
        role: "param",
        sum: true,
        default: 1,
        min: 0,
        max: 4,
        description: "Speed of the motion; 0 stands still",
      },
      ball: {
        role: "param",
        default: 0.14,
        min: 0,
        max: 0.3,
        description: "Radius of the ball as a fraction of the height",
      },
    },
  },
  signature: drawing({ speed: SUM, ball: NUMBER, width: INTEGER, height: INTEGER }),
  graph() {
    const graph = new GraphBuilder();
    // Seconds at the chosen speed. In single precision, time would advance in steps of 8 ms after a day.
    const clock = graph.input("speed", "float64", []);
    const ball = graph.input("ball", "float32", []);
    const width = graph.input("width", "int64", []);
    const height = graph.input("height", "int64", []);
    const x = axis(graph, width, [1, 1, 1, -1]);
    const y = axis(graph, height, [1, 1, -1, 1]);
    const w = graph.cast(width, "float32");
    const h = graph.cast(height, "float32");

    const background = rows(graph, x, y, w, h, phase(graph, clock, 0.25));
    const cover = disc(graph, x, y, w, h, graph.node("Mul", [ball, h]), clock);
    const toBall = graph.node("Sub", [colour(graph, BALL), background]);
    const mixed = graph.node("Add", [background, graph.node("Mul", [toBall, cover])]);
    graph.output("image", graph.cast(mixed, "uint8"), "uint8", [1, 3, "height", "width"]);
    return graph.build("test-card");
  },
};

/** Pixel centres along one axis: 0.5, 1.5 and so on. */
function axis(graph: GraphBuilder, length: Value, shape: readonly number[]): Value {
  const zero = graph.constant("int64", [], [0]);
  const one = graph.constant("int64", [], [1]);
  const counted = graph.cast(graph.node("Range", [zero, length, one]), "float32");
  const centres = graph.node("Add", [counted, scalar(graph, 0.5)]);
  return graph.node("Reshape", [centres, graph.constant("int64", [4], shape)]);
}

/** Everything but the ball. There are only three different rows, and each row of the picture is a copy of one. */
function rows(graph: GraphBuilder, x: Value, y: Value, w: Value, h: Value, sweepAt: Value): Value {
  const u = graph.node("Div", [x, w]);
  const palette = graph.constant(
    "float32",
    [1, 3, 1, BARS.length],
    [0, 1, 2].flatMap((channel) => BARS.map((bar) => bar[channel] ?? 0)),
  );
  const bar = graph.cast(graph.node("Mul", [u, scalar(graph, BARS.length)]), "int64");
  const bars = graph.node(
    "Gather",
    [palette, graph.node("Reshape", [bar, graph.constant("int64", [1], [-1])])],
    { axis: 3n },
  );

  // A comet that runs to the right and starts again; it brightens towards its head.
  const behind = fraction(graph, graph.node("Sub", [u, sweepAt]));
  const glow = graph.node("Pow", [behind, scalar(graph, 4)]);
  const dark = colour(graph, BACKGROUND);
  const toSweep = graph.node("Sub", [colour(graph, SWEEP), dark]);
  const sweep = graph.node("Add", [dark, graph.node("Mul", [toSweep, glow])]);

  const ramp = graph.node("Mul", [
    graph.node("Add", [u, graph.constant("float32", [1, 3, 1, 1], [0, 0, 0])]),
    scalar(graph, 255),
  ]);
  const kinds = graph.node("Concat", [bars, sweep, ramp], { axis: 2n });
  const v = graph.node("Div", [y, h]);
  const below = (limit: number): Value =>
    graph.cast(graph.node("Greater", [v, scalar(graph, limit)]), "int64");
  const kind = graph.node("Add", [below(0.7), below(0.88)]);
  const row = graph.node("Reshape", [kind, graph.constant("int64", [1], [-1])]);
  return graph.node("Gather", [kinds, row], { axis: 2n });
}

/** The share of each pixel that the ball covers, from 0 to 1, with a soft edge of one pixel. */
function disc(
  graph: GraphBuilder,
  x: Value,
  y: Value,
  w: Value,
  h: Value,
  radius: Value,
  clock: Value,
): Value {
  const one = scalar(graph, 1);
  const room = (length: Value): Value =>
    graph.node("Sub", [length, graph.node("Add", [radius, radius])]);
  // To and fro in x; in y a parabola, like a falling body.
  const to = phase(graph, clock, 0.19);
  const swing = graph.node("Abs", [graph.node("Sub", [graph.node("Add", [to, to]), one])]);
  const fall = phase(graph, clock, 0.8);
  const arc = graph.node("Mul", [
    graph.node("Mul", [fall, graph.node("Sub", [one, fall])]),
    scalar(graph, 4),
  ]);
  const centreX = graph.node("Add", [radius, graph.node("Mul", [room(w), swing])]);
  const drop = graph.node("Mul", [room(h), graph.node("Sub", [one, arc])]);
  const centreY = graph.node("Add", [radius, drop]);
  const square = (from: Value): Value => graph.node("Mul", [from, from]);
  const distance = graph.node("Sqrt", [
    graph.node("Add", [
      square(graph.node("Sub", [x, centreX])),
      square(graph.node("Sub", [y, centreY])),
    ]),
  ]);
  return graph.node("Clip", [graph.node("Sub", [radius, distance]), scalar(graph, 0), one]);
}

/** A sawtooth from 0 to 1, `hertz` times per second. */
const phase = (graph: GraphBuilder, clock: Value, hertz: number): Value =>
  graph.cast(
    fraction(graph, graph.node("Mul", [clock, graph.constant("float64", [], [hertz])])),
    "float32",
  );

const fraction = (graph: GraphBuilder, from: Value): Value =>
  graph.node("Sub", [from, graph.node("Floor", [from])]);

const scalar = (graph: GraphBuilder, number: number): Value =>
  graph.constant("float32", [], [number]);

const colour = (graph: GraphBuilder, rgb: readonly number[]): Value =>
  graph.constant("float32", [1, 3, 1, 1], rgb);
