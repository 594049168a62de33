/** Builds small denoisers in the forms that exporters give them: names, types and sizes differ, the formula is one. */
import { GraphBuilder, type Value } from "../../src/engine/models/graph-builder.ts";
import type { ElementType } from "../../src/engine/models/tensor-signature.ts";

export interface DenoiserForm {
  readonly floats?: "float32" | "float16";
  /** The first dimension of all inputs but the timestep. */
  readonly batch?: number | string;
  /** Sides of a latent. */
  readonly sides?: readonly [number | string, number | string];
  readonly timestep?: ElementType;
  readonly timestepDims?: readonly (number | string)[];
  /** "expanded": repeated for the batch, as diffusers does; "scalar": enters the formula as it is. */
  readonly timestepUse?: "expanded" | "scalar";
  /** The width of `timestep_cond`; without it there is no such input. */
  readonly guidanceWidth?: number;
  /** The width of `encoder_hidden_states`, if it is not that of the text encoders of tests. */
  readonly embedding?: number;
}

/** Numbers of an embedding. */
export const EMBEDDING = 8;

/** out = sample/2 + timestep/1000 + the mean of the embeddings + the first number of `timestep_cond`, float or half. */
export function denoiserGraph(form: DenoiserForm = {}): Uint8Array<ArrayBuffer> {
  const { floats = "float32", batch = "batch_size", sides = ["height", "width"] } = form;
  const { timestep = "int64", timestepDims = [], timestepUse = "expanded" } = form;
  const { embedding = EMBEDDING } = form;
  const graph = new GraphBuilder();
  const sample = graph.input("sample", floats, [batch, 4, ...sides]);
  const time = graph.input("timestep", timestep, timestepDims);
  const text = graph.input("encoder_hidden_states", floats, [batch, "sequence_length", embedding]);
  const ints = (...values: number[]): Value => graph.constant("int64", [values.length], values);
  const column = (of: Value): Value => graph.node("Reshape", [of, ints(-1, 1, 1, 1)]);
  const add = (a: Value, b: Value): Value => graph.node("Add", [a, b]);
  const number = (of: number): Value => graph.constant(floats, [], [of]);

  let repeated = time;
  if (timestepUse === "expanded") {
    const rows = graph.node("Gather", [graph.node("Shape", [sample]), ints(0)]);
    const list = timestepDims.length === 0 ? graph.unsqueeze(time, 0) : time;
    repeated = graph.node("Expand", [list, rows]);
  }
  const seconds = graph.node("Div", [graph.cast(repeated, floats), number(1000)]);
  const mean = graph.node("ReduceMean", [text], { axes: [1n, 2n], keepdims: 0n });
  let out = graph.node("Mul", [sample, number(0.5)]);
  out = add(out, add(column(seconds), column(mean)));
  if (form.guidanceWidth !== undefined) {
    const guidance = graph.input("timestep_cond", floats, [batch, form.guidanceWidth]);
    const first = graph.node("Gather", [guidance, graph.constant("int64", [], [0])], { axis: 1n });
    out = add(out, column(first));
  }
  graph.output("out_sample", out, floats, [batch, 4, ...sides]);
  return graph.build("denoiser");
}
