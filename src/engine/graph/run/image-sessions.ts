/** Runs individual image and mask nodes, with one ONNX session per node and picture size. Used in workers. */
import { WorkerError } from "../../../errors.ts";
import { givingBack, type SessionSettings } from "../../device/devices.ts";
import { Session } from "../../device/worker/runtime.ts";
import { GraphBuilder } from "../../models/graph-builder.ts";
import type { Tensor } from "../../models/tensor.ts";
import type { CheckedNode } from "../check-node.ts";
import { dimsOf, type GraphValue } from "../image/graph-value.ts";
import { ImageMath } from "../image/image-math.ts";
import { NodeInputs as FragmentInputs } from "../image/node-inputs.ts";
import type { NodeInputs } from "./node-inputs.ts";
import { output } from "./node-runner.ts";
import type { NodeValue } from "./values.ts";

/** Sessions that are kept; the one used longest ago is released. */
const KEPT = 64;
/** Of one output of a node: 256 MiB. */
const MAX_SAMPLES = 2 ** 26;
/** Of a picture beyond 1024x1024: its session keeps no memory of its runs. */
const LARGE_SAMPLES = 3 * 1024 * 1024;
/**
 * Sum of the largest values of all sessions that keep memory (ten nodes at 512x512). A blur keeps some 50 bytes a sample. Sessions
 * beyond give it back after each run, also where earlier ones are not used any more: a blur takes a tenth longer then at
 * 512x512, and three quarters at 1024x1024.
 */
const MAX_HELD_SAMPLES = 2 ** 23;

interface ImageProgram {
  /** Null where all outputs are known without a run. */
  readonly session: Session | null;
  /** By input of the session, the input of the node. */
  readonly feeds: ReadonlyMap<string, string>;
  readonly outputs: readonly GraphValue[];
  /** Samples of the largest value if the session keeps the memory of its runs; else 0. */
  readonly heldSamples: number;
}

const NOTHING: Pick<ImageProgram, "session" | "heldSamples"> = { session: null, heldSamples: 0 };

export class ImageSessions {
  readonly #settings: SessionSettings;
  readonly #programs = new Map<string, Promise<ImageProgram>>();
  #heldSamples = 0;

  constructor(settings: SessionSettings) {
    this.#settings = settings;
  }

  /** The outputs of a node whose class is a fragment. Throws `invalid_request` for values that cannot be computed. */
  async run(inputs: NodeInputs): Promise<NodeValue[]> {
    const { session, feeds, outputs } = await this.#programOf(inputs);
    const names = outputs.flatMap(({ kind }, at) => (kind === "plain" ? [] : [outputName(at)]));
    const tensors = [...feeds].map(([name, input]) => [name, tensorOf(inputs.value(input))]);
    const results = (await session?.run(Object.fromEntries(tensors), names)) ?? {};
    return outputs.map((value, at) =>
      nodeValue(value, inputs.node.nodeClass.outputs[at], results[outputName(at)]),
    );
  }

  async release(): Promise<void> {
    const programs = [...this.#programs.values()];
    this.#programs.clear();
    for (const program of programs) await this.#releaseOne(program);
  }

  async #programOf(inputs: NodeInputs): Promise<ImageProgram> {
    const key = keyOf(inputs);
    // Two lanes may want the same one at a time.
    const program = this.#programs.get(key) ?? this.#compile(inputs);
    program.catch(() => {}); // it is awaited below
    this.#programs.delete(key);
    this.#programs.set(key, program);
    for (const [oldest, one] of this.#programs) {
      if (this.#programs.size <= KEPT) break;
      this.#programs.delete(oldest);
      await this.#releaseOne(one);
    }
    try {
      return await program;
    } catch (error) {
      if (this.#programs.get(key) === program) this.#programs.delete(key);
      throw error;
    }
  }

  /** One that could not be compiled holds nothing. */
  async #releaseOne(program: Promise<ImageProgram>): Promise<void> {
    const { session, heldSamples } = await program.catch(() => NOTHING);
    this.#heldSamples -= heldSamples;
    await session?.release();
  }

  async #compile(inputs: NodeInputs): Promise<ImageProgram> {
    const { node } = inputs;
    const graph = new GraphBuilder();
    const math = new ImageMath(graph);
    const feeds = new Map<string, string>();
    const linked = new Map<string, GraphValue>();
    for (const name of node.links.keys()) {
      const value = inputs.value(name);
      const tensor = tensorOf(value);
      if (tensor === null) linked.set(name, plainOf(node, name, value));
      else {
        feeds.set(name, name);
        const fed = graph.input(name, "float32", tensor.dims);
        linked.set(name, graphValue(value, fed));
      }
    }
    const links = new Map([...node.links].map(([name, link]) => [link, linked.get(name)]));
    const outputs = node.nodeClass.fragment?.(
      new FragmentInputs(node, (link) => {
        const value = links.get(link);
        if (value === undefined) throw new Error(`${node.label} has a link without a value`);
        return value;
      }),
      math,
    );
    if (outputs === undefined) throw new Error(`${node.label} is not an image node`);
    let computed = 0;
    for (const [at, value] of outputs.entries()) {
      if (value.kind === "plain") continue;
      const dims = dimsIn(value);
      if (samplesIn(value) > MAX_SAMPLES) {
        const problem = `would give ${dims.join("x")} samples; at most ${MAX_SAMPLES} are allowed`;
        throw new WorkerError("invalid_request", problem);
      }
      // A node may pass an input on as it is.
      graph.output(outputName(at), graph.node("Identity", [value.value]), "float32", dims);
      computed++;
    }
    if (computed === 0) return { session: null, feeds, outputs, heldSamples: 0 };
    const largest = Math.max(...[...linked.values(), ...outputs].map(samplesIn));
    const holds = largest <= LARGE_SAMPLES && this.#heldSamples + largest <= MAX_HELD_SAMPLES;
    const settings = holds ? this.#settings : givingBack(this.#settings);
    const heldSamples = holds ? largest : 0;
    this.#heldSamples += heldSamples;
    try {
      const session = await Session.open(graph.build("image node"), settings);
      return { session, feeds, outputs, heldSamples };
    } catch (error) {
      this.#heldSamples -= heldSamples;
      throw error;
    }
  }
}

const outputName = (at: number): string => `output_${at}`;

/** Everything that a program depends on. */
function keyOf(inputs: NodeInputs): string {
  const { className, values, links } = inputs.node;
  const shapes = [...links.keys()].map((name) => {
    const value = inputs.value(name);
    return [name, value?.type, tensorOf(value)?.dims ?? String(value?.value)];
  });
  return JSON.stringify([className, [...values].map(([name, one]) => [name, String(one)]), shapes]);
}

/** Null for values that are neither pictures nor masks. */
function tensorOf(value: NodeValue | undefined): Tensor | null {
  if (value?.type === "IMAGE") {
    return { dtype: "float32", dims: dimsOf(value.value), data: value.value.data };
  }
  if (value?.type !== "MASK") return null;
  const { values, batch, height, width } = value.value;
  return { dtype: "float32", dims: [batch, height, width], data: values };
}

function graphValue(
  value: NodeValue | undefined,
  fed: ReturnType<GraphBuilder["input"]>,
): GraphValue {
  if (value?.type === "IMAGE") return { ...value.value, kind: "image", value: fed };
  if (value?.type === "MASK") return { ...value.value, kind: "mask", value: fed };
  throw new Error("only pictures and masks are tensors");
}

function plainOf(node: CheckedNode, name: string, value: NodeValue | undefined): GraphValue {
  const plain = typeof value?.value === "bigint" ? String(value.value) : value?.value;
  if (typeof plain === "number" || typeof plain === "string" || typeof plain === "boolean") {
    return { kind: "plain", value: plain };
  }
  throw new WorkerError("invalid_request", `${name} of ${node.className} cannot be ${value?.type}`);
}

const dimsIn = (value: Exclude<GraphValue, { kind: "plain" }>): number[] =>
  value.kind === "image" ? dimsOf(value) : [value.batch, value.height, value.width];

const samplesIn = (value: GraphValue): number =>
  value.kind === "plain" ? 0 : dimsIn(value).reduce((product, side) => product * side, 1);

function nodeValue(
  value: GraphValue,
  type: string | undefined,
  result: Tensor | undefined,
): NodeValue {
  if (value.kind === "plain") {
    if (typeof value.value === "boolean") return output("BOOLEAN", value.value);
    if (typeof value.value === "string" && type !== "INT") return output("STRING", value.value);
    return type === "INT"
      ? output("INT", BigInt(value.value))
      : output("FLOAT", Number(value.value));
  }
  const data = result?.data as Float32Array;
  const { batch, height, width } = value;
  if (value.kind === "mask") return output("MASK", { values: data, batch, height, width });
  return output("IMAGE", { data, batch, height, width, channels: value.channels });
}
