/** The canvas of dreamscape's layers: gives them coordinates, controls, noise and outlines. */
import type { ControlName } from "../../../prompts/controls.ts";
import type { GraphBuilder, Value } from "../../graph-builder.ts";
import { GraphMath, type Operand } from "../../graph-math.ts";
import { type Grid, grid } from "../grid.ts";
import { Noise, texture } from "../noise.ts";
import { PromptInput } from "../prompt-input.ts";
import { dotField, noiseField, reliefField, SIDE, starField, streakField } from "../textures.ts";

/** The horizon, in heights from the top. */
export const HORIZON = 0.56;
/** Layers are painted at this share of the picture's size, and with at most so many rows. */
const SCALE = 0.42;
const MOST_ROWS = 300;
/** The size of soft layers relative to the others. */
const SOFT = 0.45;

export class Canvas extends GraphMath {
  /** The size of the output picture, int64 `[1]` each. */
  readonly height: Value;
  readonly width: Value;
  /** The grid on which layers are painted. */
  readonly fine: Grid;
  /** A coarser grid for soft layers, such as clouds. */
  readonly soft: Grid;
  readonly #prompt: PromptInput;
  readonly #noise: Noise;
  readonly #relief: Noise;
  readonly #fields: Readonly<Record<"stars" | "dots" | "streaks", Value>>;

  constructor(graph: GraphBuilder) {
    super(graph);
    this.#prompt = new PromptInput(this);
    this.width = this.reshape(graph.input("width", "int64", []), 1);
    this.height = this.reshape(graph.input("height", "int64", []), 1);
    this.#noise = new Noise(this, noiseField(1));
    this.#relief = new Noise(this, reliefField(1));
    const square = (values: readonly number[]): Value => texture(this, values, [SIDE * SIDE]);
    this.#fields = {
      stars: square(starField()),
      dots: square(dotField()),
      streaks: square(streakField()),
    };
    const scale = this.min(SCALE, this.div(MOST_ROWS, graph.cast(this.height, "float32")));
    this.fine = this.#grid(scale);
    this.soft = this.#grid(this.mul(scale, SOFT));
  }

  /** A control's number, or its colour as `[1,3,1,1]`. */
  control(name: ControlName): Value {
    return this.#prompt.control(name);
  }

  /** See `PromptInput.drift`. */
  drift(cycles: number): Value {
    return this.#prompt.drift(cycles);
  }

  /** See `PromptInput.chance`. */
  chance(stream: number): Value {
    return this.#prompt.chance(stream);
  }

  /** Noise around 0.5 at these positions of the field, on the soft grid. */
  noise(x: Operand, y: Operand): Value {
    return this.#noise.on(this.soft, x, y);
  }

  /** The same noise as hills lit from the side: 0.5 is level ground. */
  relief(x: Operand, y: Operand): Value {
    return this.#relief.on(this.soft, x, y);
  }

  /** Noise along a line, `[1,1,1,w]` like `x`. */
  noiseLine(x: Value, row: Operand): Value {
    return this.#noise.along(x, row);
  }

  /** Resizes a field from the soft grid to the fine one. */
  sharpen(field: Value): Value {
    return this.resize(field, 1, this.fine.rows, this.fine.columns);
  }

  /** The texels of a field on the fine grid, without interpolation. */
  texels(field: "stars" | "dots" | "streaks", x: Operand, y: Operand): Value {
    const index = this.add(this.mul(this.#texel(y), SIDE), this.#texel(x));
    return this.graph.node("Gather", [this.#fields[field], this.graph.cast(index, "int32")]);
  }

  /** The elements of a row of SIDE numbers at positions `x`, without interpolation. */
  element(row: readonly number[], x: Operand): Value {
    const index = this.graph.cast(this.#texel(x), "int32");
    return this.graph.node("Gather", [texture(this, row, [SIDE]), index]);
  }

  /** A row's numbers at positions `x`, with linear interpolation. */
  outline(row: readonly number[], x: Value): Value {
    const at = this.mul(this.fraction(x), SIDE);
    const whole = this.div(this.floor(at), SIDE);
    const first = this.element(row, whole);
    const next = this.element([...row.slice(1), row[0] ?? 0], whole);
    return this.mix(first, next, this.fraction(at));
  }

  /** 1 below a line that is `top` heights from the upper edge, else 0, with a soft edge of one sample. */
  below(top: Operand): Value {
    const rows = this.graph.cast(this.fine.rows, "float32");
    const line = this.sub(this.mul(top, rows), 0.5);
    return this.clamp(this.sub(this.mul(this.fine.y, rows), line));
  }

  #grid(scale: Value): Grid {
    const scaled = (length: Value): Value => {
      const cells = this.mul(this.graph.cast(length, "float32"), scale);
      return this.graph.cast(this.graph.node("Ceil", [cells]), "int64");
    };
    return grid(this, scaled(this.height), scaled(this.width));
  }

  #texel(of: Operand): Value {
    return this.min(this.floor(this.mul(this.fraction(of), SIDE)), SIDE - 1);
  }
}
