/** A session with one network of a diffusion folder: fed and read by tensor names, in any float precision. Used in workers. */
import { toBinary } from "@bufbuild/protobuf";
import { type GraphProto, ModelProtoSchema } from "onnx-buf";
import { WorkerError } from "../../../errors.ts";
import { givingBack, type SessionSettings } from "../../device/devices.ts";
import { Session } from "../../device/worker/runtime.ts";
import { value } from "../../models/graph-builder.ts";
import { GraphEdge } from "../../models/graph-edge.ts";
import { fuse } from "../../models/graph-fusion.ts";
import { readModelSource } from "../../models/onnx-source.ts";
import { type Tensor, valuesOf } from "../../models/tensor.ts";
import {
  describeTensor,
  type ElementType,
  type GraphSignature,
  signatureOf,
  type TensorSignature,
} from "../../models/tensor-signature.ts";

/** Changes a graph at its edge before the session opens, such as `vae.ts` does for pictures. */
export type EdgeChange = (edge: GraphEdge, signature: GraphSignature) => ReadonlySet<string>;

/** Changes of a graph before its session opens. */
export interface NetworkChanges {
  /** Changes the graph itself, before its signature is read. */
  readonly graph?: (graph: GraphProto) => void;
  /** Adds what else the edge needs; returns the tensors that it has taken care of. */
  readonly edge?: EdgeChange;
}

export class Network {
  readonly signature: GraphSignature;
  readonly #session: Session;
  readonly #nameOf: (key: string) => string;
  readonly #outputs: readonly string[];

  private constructor(
    session: Session,
    signature: GraphSignature,
    edge: Pick<GraphEdge, "nameOf" | "outputKeys">,
  ) {
    this.#session = session;
    this.signature = signature;
    this.#nameOf = (key) => edge.nameOf(key);
    this.#outputs = edge.outputKeys;
  }

  /** Opens the ONNX file at `path`, external data included. Inputs and outputs of half precision become float32. */
  static async open(
    path: string,
    settings: SessionSettings,
    changes: NetworkChanges = {},
  ): Promise<Network> {
    const { model, folder } = await readModelSource({ path });
    if (settings.executionProviders.every((provider) => provider === "cpu")) fuse(model);
    const { graph } = model;
    if (graph === undefined) throw new WorkerError("model_failed", `${path} contains no graph`);
    changes.graph?.(graph);
    const signature = signatureOf(model);
    const edge = new GraphEdge(graph, signature.opset, "N");
    const done = changes.edge?.(edge, signature) ?? new Set<string>();
    for (const tensor of signature.inputs) if (!done.has(tensor.name)) feedFloats(edge, tensor);
    for (const tensor of signature.outputs) if (!done.has(tensor.name)) readFloats(edge, tensor);
    edge.apply();
    // What they compute weighs more than getting memory for it does, and one picture may be 64 times another's size.
    const givesBack = givingBack(settings);
    const session = await Session.open(toBinary(ModelProtoSchema, model), givesBack, folder);
    return new Network(session, signature, edge);
  }

  /** Runs the network. Absent inputs are an error of ONNX Runtime; `outputs`: those wanted, by default all. */
  async run(
    feeds: Readonly<Record<string, Tensor>>,
    outputs: readonly string[] = this.#outputs,
  ): Promise<Record<string, Tensor>> {
    const named = Object.entries(feeds).map(([key, tensor]) => [this.#nameOf(key), tensor]);
    const results = await this.#session.run(Object.fromEntries(named), outputs.map(this.#nameOf));
    return Object.fromEntries(
      outputs.flatMap((key) => {
        const tensor = results[this.#nameOf(key)];
        return tensor === undefined ? [] : [[key, tensor]];
      }),
    );
  }

  /** The input of this name. Throws `model_failed` naming those there are. */
  input(name: string): TensorSignature {
    const { inputs } = this.signature;
    const found = inputs.find((tensor) => tensor.name === name);
    if (found !== undefined) return found;
    const known = inputs.map(describeTensor).join(", ");
    throw new WorkerError(
      "model_failed",
      `a network has no input ${JSON.stringify(name)}: ${known}`,
    );
  }

  /** The length of one dimension of an input, where the file fixes it. */
  fixedDim(name: string, dimension: number): number | null {
    const dim = this.input(name).dims?.[dimension];
    return typeof dim === "number" ? dim : null;
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

/** Numbers as the type that an input has: exports differ in it. */
export const numbersFor = (
  { dtype }: Pick<TensorSignature, "dtype">,
  dims: readonly number[],
  numbers: readonly number[],
): Tensor => {
  const type: ElementType = dtype ?? "float32";
  const edge = type === "float16" ? "float32" : type;
  return { dtype: edge, dims, data: valuesOf(type, numbers) };
};

function feedFloats(edge: GraphEdge, { name, dtype, dims }: TensorSignature): void {
  if (dtype !== "float16" || dims === null) return;
  const sides = dims.map((dim, at) => (typeof dim === "number" ? dim : `${name} ${at}`));
  edge.replace(name, edge.before.cast(edge.feed(name, "float32", sides), "float16"));
}

function readFloats(edge: GraphEdge, { name, dtype }: TensorSignature): void {
  if (dtype !== "float16") edge.keep(name);
  else edge.output(name, edge.after.cast(value(name), "float32"), "float32", null);
}
