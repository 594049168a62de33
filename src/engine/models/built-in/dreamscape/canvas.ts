/** The ground that dreamscape's layers are painted on: coordinates, controls, noise, outlines. Hides sizes and sampling. */
import {
  CONTROL_NAMES,
  CONTROLS,
  type ControlName,
  MOTION_PERIOD,
  OFFSETS,
  VECTOR_LENGTH,
} from "../../../prompts/controls.ts";
import type { GraphBuilder, Value } from "../../graph-builder.ts";
import { GraphMath, type Operand } from "../../graph-math.ts";
import { noiseField, reliefField, SIDE } from "../textures.ts";

/** Where the sky ends, in heights from the top. */
export const HORIZON = 0.56;
/** Layers are painted at half the picture's size, and at this many rows at most. */
const SCALE = 0.5;
const MOST_ROWS = 320;

/** Places of a picture: `x` in heights from the middle `[1,1,1,w]`, `y` in heights from the top `[1,1,h,1]`. */
export interface Grid {
  readonly rows: Value;
  readonly columns: Value;
  readonly x: Value;
  readonly y: Value;
}

export class Canvas extends GraphMath {
  /** The picture's own size, int64 `[1]`. */
  readonly height: Value;
  readonly width: Value;
  /** Where layers are painted. */
  readonly fine: Grid;
  /** Less than half as fine, for what is soft. */
  readonly soft: Grid;
  readonly #text: Value;
  readonly #motion: Value;
  readonly #seed: Value;
  readonly #noise: Value;
  readonly #relief: Value;
  readonly #controls: ReadonlyMap<ControlName, Value>;

  constructor(graph: GraphBuilder) {
    super(graph);
    this.#text = graph.input("text", "float32", [VECTOR_LENGTH]);
    const seed = graph.input("seed", "int64", []);
    this.width = this.reshape(graph.input("width", "int64", []), 1);
    this.height = this.reshape(graph.input("height", "int64", []), 1);
    this.#controls = new Map(
      CONTROL_NAMES.map((name) => {
        const { size } = CONTROLS[name];
        const slice = this.#slice(OFFSETS[name], size);
        return [name, size === 1 ? slice : this.reshape(slice, 1, 3, 1, 1)];
      }),
    );
    this.#motion = this.#slice(OFFSETS.motion, 1);
    this.#seed = graph.cast(seed, "float64");
    this.#noise = this.#texture(noiseField(1), [1, 1, SIDE + 1, SIDE + 1]);

    this.#relief = this.#texture(reliefField(1), [1, 1, SIDE + 1, SIDE + 1]);

    const h = graph.cast(this.height, "float32");
    const scale = this.min(SCALE, this.div(MOST_ROWS, h));
    this.fine = this.#grid(scale);
    this.soft = this.#grid(this.mul(scale, 0.42));
  }

  /** A control's number, or its colour as `[1,3,1,1]`. */
  control(name: ControlName): Value {
    const made = this.#controls.get(name);
    if (made === undefined) throw new Error(`no control ${name}`);
    return made;
  }

  /** Runs by `cycles` whole numbers while `motion` runs through its period, so that it closes. */
  drift(cycles: number): Value {
    return this.mul(this.#motion, Math.round(cycles) / MOTION_PERIOD);
  }

  /** 0 to 1 by seed and unknown words, another for each `stream`. */
  chance(stream: number): Value {
    const step = this.graph.constant("float64", [], [(stream * 0.6180339887498949) % 1]);
    const seeded = this.graph.node("Mul", [this.#seed, step]);
    const part = this.graph.node("Sub", [seeded, this.graph.node("Floor", [seeded])]);
    return this.add(
      this.graph.cast(part, "float32"),
      this.mul(this.control("variation"), 0.3 + 0.07 * stream),
    );
  }

  /** Lumps of noise at these places of the noise field, which is 1 wide; made on the soft grid. */
  noise(x: Operand, y: Operand): Value {
    return this.#sampled(this.#noise, this.#places(x, y));
  }

  /** The same lumps as hills lit from the side: 0.5 is level. */
  relief(x: Operand, y: Operand): Value {
    return this.#sampled(this.#relief, this.#places(x, y));
  }

  /** A soft field on the fine grid. */
  sharpen(field: Value, channels = 1): Value {
    return this.resize(field, channels, this.fine.rows, this.fine.columns);
  }

  /** Noise along a line, `[1,1,1,w]` like `x`. */
  noiseLine(x: Value, row: Operand): Value {
    const along = this.#place(x);
    const across = this.graph.node("Expand", [this.#place(row), this.graph.node("Shape", [along])]);
    return this.#sampled(this.#noise, this.#pairs(along, across));
  }

  /** The texel of a field of SIDE × SIDE at every place of the fine grid: crisp, no smoothing. */
  texels(field: readonly number[], x: Operand, y: Operand): Value {
    const table = this.#texture(field, [SIDE * SIDE]);
    const index = this.add(this.mul(this.#texel(y), SIDE), this.#texel(x));
    return this.graph.node("Gather", [table, this.graph.cast(index, "int32")]);
  }

  /** The element of a row of SIDE numbers at every place, as they stand. */
  element(row: readonly number[], x: Operand): Value {
    const table = this.#texture(row, [SIDE]);
    return this.graph.node("Gather", [table, this.graph.cast(this.#texel(x), "int32")]);
  }

  /** A row's numbers as a line, straight between them. */
  outline(row: readonly number[], x: Value): Value {
    const at = this.mul(this.fraction(x), SIDE);
    const whole = this.floor(at);
    const first = this.element(row, this.div(whole, SIDE));
    const next = this.element([...row.slice(1), row[0] ?? 0], this.div(whole, SIDE));
    return this.mix(first, next, this.sub(at, whole));
  }

  /** 1 below a line that is `top` heights from the upper edge, one sample soft. */
  below(top: Operand): Value {
    const rows = this.graph.cast(this.fine.rows, "float32");
    return this.clamp(this.add(this.mul(this.sub(this.fine.y, top), rows), 0.5));
  }

  #grid(scale: Value): Grid {
    const { graph } = this;
    const scaled = (length: Value): Value => {
      const cells = this.mul(graph.cast(length, "float32"), scale);
      return graph.cast(graph.node("Ceil", [cells]), "int64");
    };
    const [rows, columns] = [scaled(this.height), scaled(this.width)];
    const h = graph.cast(rows, "float32");
    const w = graph.cast(columns, "float32");
    const centres = (length: Value): Value => {
      const end = this.reshape(length);
      const [zero, one] = [graph.constant("int64", [], [0]), graph.constant("int64", [], [1])];
      return this.add(graph.cast(graph.node("Range", [zero, end, one]), "float32"), 0.5);
    };
    const x = this.div(this.sub(centres(columns), this.mul(w, 0.5)), h);
    const y = this.div(centres(rows), h);
    return { rows, columns, x: this.reshape(x, 1, 1, 1, -1), y: this.reshape(y, 1, 1, -1, 1) };
  }

  #slice(from: number, size: number): Value {
    return this.graph.node("Slice", [this.#text, this.ints(from), this.ints(from + size)]);
  }

  /** Half precision halves the file; the runtime widens it once, when it loads. */
  #texture(values: readonly number[], dims: readonly number[]): Value {
    return this.graph.cast(this.graph.constant("float16", dims, values), "float32");
  }

  /** A place of the noise field as GridSample counts: -1 to 1. */
  #place(of: Operand): Value {
    return this.sub(this.mul(this.fraction(of), 2), 1);
  }

  #texel(of: Operand): Value {
    return this.min(this.floor(this.mul(this.fraction(of), SIDE)), SIDE - 1);
  }

  #places(x: Operand, y: Operand): Value {
    const { rows, columns } = this.soft;
    const shape = this.graph.node("Concat", [this.ints(1, 1), rows, columns], { axis: 0n });
    const wide = (of: Operand): Value => this.graph.node("Expand", [this.#place(of), shape]);
    return this.#pairs(wide(x), wide(y));
  }

  #pairs(x: Value, y: Value): Value {
    const planes = this.graph.node("Concat", [x, y], { axis: 1n });
    return this.graph.node("Transpose", [planes], { perm: [0n, 2n, 3n, 1n] });
  }

  #sampled(field: Value, places: Value): Value {
    return this.graph.node("GridSample", [field, places], {
      mode: "bilinear",
      padding_mode: "border",
      align_corners: 1n,
    });
  }
}
