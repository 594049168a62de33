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
  /** It takes the two residuals that `controlNetGraph` gives. */
  readonly takesResiduals?: boolean;
  /** It takes SDXL's `time_ids`. */
  readonly takesSizes?: boolean;
  /** The width of `encoder_hidden_states`, if it is not that of the text encoders of tests. */
  readonly embedding?: number;
}

/** Numbers of an embedding. */
export const EMBEDDING = 8;

/**
 * out = sample/2 + timestep/1000 + the mean of the embeddings + the first number of `timestep_cond` + the residuals + the
 * mean of `time_ids`/100, float or half.
 */
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
  if (form.takesResiduals === true) {
    for (const name of ["down_block_additional_residuals.0", "mid_block_additional_residual"]) {
      out = add(out, graph.input(name, floats, [batch, 4, ...sides]));
    }
  }
  if (form.takesSizes === true) {
    const ids = graph.input("time_ids", floats, [batch, 6]);
    const size = graph.node("ReduceMean", [ids], { axes: [1n], keepdims: 0n });
    out = add(out, column(graph.node("Div", [size, number(100)])));
  }
  graph.output("out_sample", out, floats, [batch, 4, ...sides]);
  return graph.build("denoiser");
}

/**
 * A ControlNet: its first residual is the mean of the control picture at each place, times the scale, in all four
 * channels; that of the middle a tenth of it.
 */
export function controlNetGraph({
  batch = "batch_size",
  embedding = EMBEDDING,
}: Pick<DenoiserForm, "batch" | "embedding"> = {}): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder();
  const sample = graph.input("sample", "float32", [batch, 4, "height", "width"]);
  const time = graph.input("timestep", "int64", []);
  const text = graph.input("encoder_hidden_states", "float32", [batch, "length", embedding]);
  const hint = graph.input("controlnet_cond", "float32", [batch, 3, "pixel_height", "pixel_width"]);
  const scale = graph.input("conditioning_scale", "float32", []);
  const sides = { kernel_shape: [8n, 8n], strides: [8n, 8n] };
  const gray = graph.node("ReduceMean", [graph.node("AveragePool", [hint], sides)], {
    axes: [1n],
    keepdims: 1n,
  });
  const first = graph.node("Mul", [graph.node("Concat", Array(4).fill(gray), { axis: 1n }), scale]);
  // What it takes besides counts for nothing.
  const rows = graph.node("Gather", [
    graph.node("Shape", [sample]),
    graph.constant("int64", [1], [0]),
  ]);
  const zero = graph.constant("float32", [], [0]);
  const seconds = graph.node("Expand", [graph.unsqueeze(time, 0), rows]);
  const nothing = graph.node("Mul", [
    graph.node("Add", [
      graph.node("ReduceMean", [text], { axes: [1n, 2n], keepdims: 0n }),
      graph.cast(seconds, "float32"),
    ]),
    zero,
  ]);
  const column = graph.constant("int64", [4], [-1, 1, 1, 1]);
  const down = graph.node("Add", [first, graph.node("Reshape", [nothing, column])]);
  const middle = graph.node("Mul", [down, graph.constant("float32", [], [0.1])]);
  graph.output("down_block_res_samples.0", down, "float32", [batch, 4, "height", "width"]);
  graph.output("mid_block_res_sample", middle, "float32", [batch, 4, "height", "width"]);
  return graph.build("ControlNet");
}
