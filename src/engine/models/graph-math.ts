/** Arithmetic on graph values: plain numbers become constants, and equal constants are shared. */
import type { GraphBuilder, Value } from "./graph-builder.ts";

/** A value of the graph, or a number that becomes a float32 constant. */
export type Operand = Value | number;

export class GraphMath {
  readonly graph: GraphBuilder;
  #constants: ReadonlyMap<number, Value> = new Map();

  constructor(graph: GraphBuilder) {
    this.graph = graph;
  }

  value(operand: Operand): Value {
    if (typeof operand !== "number") return operand;
    const known = this.#constants.get(operand);
    if (known !== undefined) return known;
    const made = this.graph.constant("float32", [], [operand]);
    this.#constants = new Map([...this.#constants, [operand, made]]);
    return made;
  }

  /** A colour `[1, 3, 1, 1]`, which broadcasts with fields `[1, 1, h, w]`. */
  rgb(red: number, green: number, blue: number): Value {
    return this.graph.constant("float32", [1, 3, 1, 1], [red, green, blue]);
  }

  ints(...values: number[]): Value {
    return this.graph.constant("int64", [values.length], values);
  }

  add(...terms: [Operand, Operand, ...Operand[]]): Value {
    return this.#fold("Add", terms);
  }

  mul(...factors: [Operand, Operand, ...Operand[]]): Value {
    return this.#fold("Mul", factors);
  }

  max(...operands: [Operand, Operand, ...Operand[]]): Value {
    return this.#fold("Max", operands);
  }

  min(...operands: [Operand, Operand, ...Operand[]]): Value {
    return this.#fold("Min", operands);
  }

  sub(from: Operand, what: Operand): Value {
    return this.#node("Sub", from, what);
  }

  div(what: Operand, by: Operand): Value {
    return this.#node("Div", what, by);
  }

  abs(of: Operand): Value {
    return this.#node("Abs", of);
  }

  sqrt(of: Operand): Value {
    return this.#node("Sqrt", of);
  }

  exp(of: Operand): Value {
    return this.#node("Exp", of);
  }

  sin(of: Operand): Value {
    return this.#node("Sin", of);
  }

  cos(of: Operand): Value {
    return this.#node("Cos", of);
  }

  floor(of: Operand): Value {
    return this.#node("Floor", of);
  }

  square(of: Operand): Value {
    return this.mul(of, of);
  }

  clamp(of: Operand, low: Operand = 0, high: Operand = 1): Value {
    return this.#node("Clip", of, low, high);
  }

  /** `x − floor(x)`: from 0 to 1 for negative numbers as well. */
  fraction(of: Operand): Value {
    return this.sub(of, this.floor(of));
  }

  /** Linear interpolation: `from` where `share` is 0, `to` where it is 1. */
  mix(from: Operand, to: Operand, share: Operand): Value {
    const start = this.value(from);
    return this.add(start, this.mul(this.sub(to, start), share));
  }

  /** 0 up to `from`, 1 beyond `to`, linear in between. */
  ramp(of: Operand, from: number, to: number): Value {
    return this.clamp(this.mul(this.sub(of, from), 1 / (to - from)));
  }

  /** Smoothstep of a number from 0 to 1. */
  ease(share: Operand): Value {
    const t = this.value(share);
    return this.mul(t, t, this.sub(3, this.mul(t, 2)));
  }

  /** `then` where `amount` (one element) is above 0.004, else `otherwise`; only that branch is computed. */
  where(amount: Value, then: () => Value, otherwise: () => Value): Value {
    const shown = this.graph.node("Greater", [this.reshape(amount), this.value(0.004)]);
    return this.graph.when(
      shown,
      () => this.scoped(then),
      () => this.scoped(otherwise),
    );
  }

  /** Constants that are made inside a branch exist only there, and are not shared with the outside. */
  protected scoped<Made>(make: () => Made): Made {
    const outer = this.#constants;
    const made = make();
    this.#constants = outer;
    return made;
  }

  reshape(of: Value, ...dims: number[]): Value {
    return this.graph.node("Reshape", [of, this.ints(...dims)]);
  }

  /** Resizes bilinearly; `rows` and `columns` are int64 `[1]`. */
  resize(of: Value, channels: number, rows: Value, columns: Value): Value {
    const sizes = this.graph.node("Concat", [this.ints(1, channels), rows, columns], { axis: 0n });
    const absent = "" as Value; // the optional inputs before the sizes
    return this.graph.node("Resize", [of, absent, absent, sizes], { mode: "linear" });
  }

  /** Folds from the right: fields stand first and single numbers last, so that small tensors are combined first. */
  #fold(op: string, operands: readonly Operand[]): Value {
    return operands
      .map((each) => this.value(each))
      .reduceRight((result, each) => this.graph.node(op, [each, result]));
  }

  #node(op: string, ...operands: Operand[]): Value {
    return this.graph.node(
      op,
      operands.map((each) => this.value(each)),
    );
  }
}
