/** Samples a repeating field of numbers at any coordinates, with bilinear interpolation. */
import type { Value } from "../graph-builder.ts";
import type { GraphMath, Operand } from "../graph-math.ts";
import type { Grid } from "./grid.ts";
import { SIDE } from "./textures.ts";

export class Noise {
  readonly #m: GraphMath;
  readonly #field: Value;

  /** `values` has SIDE + 1 rows and columns, of which the last equal the first. */
  constructor(m: GraphMath, values: readonly number[]) {
    this.#m = m;
    this.#field = texture(m, values, [1, 1, SIDE + 1, SIDE + 1]);
  }

  /** Samples on a grid, `[1,1,h,w]`; `x` and `y` are positions in the field, which is 1 wide and 1 high. */
  on({ rows, columns }: Grid, x: Operand, y: Operand): Value {
    const { graph } = this.#m;
    const shape = graph.node("Concat", [this.#m.ints(1, 1), rows, columns], { axis: 0n });
    const wide = (of: Operand): Value => graph.node("Expand", [this.#place(of), shape]);
    return this.#sampled(wide(x), wide(y));
  }

  /** Samples along one row of the field, in the shape of `x`. */
  along(x: Value, row: Operand): Value {
    const { graph } = this.#m;
    const places = this.#place(x);
    const across = graph.node("Expand", [this.#place(row), graph.node("Shape", [places])]);
    return this.#sampled(places, across);
  }

  /** A position as GridSample takes it: from -1 to 1. */
  #place(of: Operand): Value {
    return this.#m.sub(this.#m.mul(this.#m.fraction(of), 2), 1);
  }

  #sampled(x: Value, y: Value): Value {
    const planes = this.#m.graph.node("Concat", [x, y], { axis: 1n });
    const pairs = this.#m.graph.node("Transpose", [planes], { perm: [0n, 2n, 3n, 1n] });
    return this.#m.graph.node("GridSample", [this.#field, pairs], {
      mode: "bilinear",
      padding_mode: "border",
      align_corners: 1n,
    });
  }
}

/** Numbers stored in the graph in half precision, which halves the file; the runtime widens them once, when it loads. */
export const texture = (m: GraphMath, values: readonly number[], dims: readonly number[]): Value =>
  m.graph.cast(m.graph.constant("float16", dims, values), "float32");
