/** Splits the inputs `text` and `seed` of a graph into controls, motion and random numbers. */
import {
  CONTROL_NAMES,
  CONTROLS,
  type ControlName,
  MOTION_PERIOD,
  OFFSETS,
  VECTOR_LENGTH,
} from "../../prompts/controls.ts";
import type { Value } from "../graph-builder.ts";
import type { GraphMath } from "../graph-math.ts";
import type { PortEntry } from "../model-json.ts";
import { INTEGER, type TensorType } from "./built-in.ts";

/** The two inputs in `model.json`. */
export const PROMPT_INPUTS = {
  text: { role: "text", encoder: "lexicon" },
  seed: {
    role: "param",
    default: 0,
    min: 0,
    max: 4294967295,
    integer: true,
    description: "Varies the picture of a prompt",
  },
} as const satisfies Record<string, PortEntry>;

/** Their tensors. */
export const PROMPT_TENSORS = {
  text: { dtype: "float32", dims: [VECTOR_LENGTH] },
  seed: INTEGER,
} as const satisfies Record<string, TensorType>;

export class PromptInput {
  readonly #m: GraphMath;
  readonly #text: Value;
  readonly #seed: Value;
  readonly #motion: Value;
  readonly #controls: ReadonlyMap<ControlName, Value>;

  constructor(m: GraphMath) {
    this.#m = m;
    this.#text = m.graph.input("text", "float32", [VECTOR_LENGTH]);
    this.#seed = m.graph.cast(m.graph.input("seed", "int64", []), "float64");
    this.#motion = this.#slice(OFFSETS.motion, 1);
    this.#controls = new Map(
      CONTROL_NAMES.map((name) => {
        const { size } = CONTROLS[name];
        const slice = this.#slice(OFFSETS[name], size);
        return [name, size === 1 ? slice : m.reshape(slice, 1, 3, 1, 1)];
      }),
    );
  }

  /** A control's number `[1]`, or its colour `[1,3,1,1]`. */
  control(name: ControlName): Value {
    const value = this.#controls.get(name);
    if (value === undefined) throw new Error(`unknown control ${name}`);
    return value;
  }

  /** Advances by `cycles` (an integer) while `motion` runs through its period once, so that its end meets its start. */
  drift(cycles: number): Value {
    return this.#m.mul(this.#motion, Math.round(cycles) / MOTION_PERIOD);
  }

  /** A random number that depends on the seed, on unknown words and on `stream`; only its fraction matters. */
  chance(stream: number): Value {
    const { graph } = this.#m;
    const step = graph.constant("float64", [], [(stream * 0.6180339887498949) % 1]);
    const seeded = graph.node("Mul", [this.#seed, step]);
    const part = graph.node("Sub", [seeded, graph.node("Floor", [seeded])]);
    const varied = this.#m.mul(this.control("variation"), 0.3 + 0.07 * stream);
    return this.#m.add(graph.cast(part, "float32"), varied);
  }

  #slice(from: number, size: number): Value {
    const { graph } = this.#m;
    return graph.node("Slice", [this.#text, this.#m.ints(from), this.#m.ints(from + size)]);
  }
}
