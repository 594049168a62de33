/** Computes the coordinates of a picture's samples, and its size, inside a graph. */
import type { Value } from "../graph-builder.ts";
import type { GraphMath } from "../graph-math.ts";

/** Coordinates in units of the height: `x` from the middle `[1,1,1,w]`, `y` from the top `[1,1,h,1]`. */
export interface Grid {
  /** The size in samples, int64 `[1]` each. */
  readonly rows: Value;
  readonly columns: Value;
  readonly x: Value;
  readonly y: Value;
}

/** The grid of a picture of `rows` and `columns`, int64 `[1]` each. */
export function grid(m: GraphMath, rows: Value, columns: Value): Grid {
  const h = m.graph.cast(rows, "float32");
  const w = m.graph.cast(columns, "float32");
  const x = m.div(m.sub(centres(m, columns), m.mul(w, 0.5)), h);
  const y = m.div(centres(m, rows), h);
  return { rows, columns, x: m.reshape(x, 1, 1, 1, -1), y: m.reshape(y, 1, 1, -1, 1) };
}

/** The centres of `length` pixels: 0.5, 1.5 and so on. */
export function centres(m: GraphMath, length: Value): Value {
  const [zero, one] = [m.graph.constant("int64", [], [0]), m.graph.constant("int64", [], [1])];
  const indices = m.graph.node("Range", [zero, m.reshape(length), one]);
  return m.add(m.graph.cast(indices, "float32"), 0.5);
}

/** The size of a picture `[1, c, rows, columns]`, int64 `[1]` each. */
export function sizeOf(m: GraphMath, picture: Value): { rows: Value; columns: Value } {
  const shape = m.graph.node("Shape", [picture]);
  const side = (axis: number): Value =>
    m.graph.node("Slice", [shape, m.ints(axis), m.ints(axis + 1)]);
  return { rows: side(2), columns: side(3) };
}
