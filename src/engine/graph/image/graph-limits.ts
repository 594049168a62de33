/** Bounds the memory and the operators of a compiled graph: a prompt of a few bytes can ask for terabytes. */
import { WorkerError } from "../../../errors.ts";
import type { CheckedNode } from "../check-node.ts";
import type { GraphValue } from "./graph-value.ts";
import type { ImageMath } from "./image-math.ts";

/** Of one output of a node: 256 MiB. */
const MAX_SAMPLES = 2 ** 26;
/** Of all outputs of all nodes: about ten pictures of 4096x4096. */
const MAX_ALL_SAMPLES = 2 ** 29;
/** Numbers in the ONNX file, such as noise: 64 MiB. */
const MAX_STORED = 2 ** 24;
const MAX_OPERATORS = 50_000;

export class GraphLimits {
  readonly #math: ImageMath;
  #samples = 0;

  constructor(math: ImageMath) {
    this.#math = math;
  }

  /** Call after each node. Throws `invalid_request` with the node at which the graph becomes too large. */
  check(node: CheckedNode, outputs: readonly GraphValue[]): void {
    for (const output of outputs) {
      if (output.kind === "plain") continue;
      const { batch, height, width } = output;
      const samples = batch * height * width * (output.kind === "image" ? output.channels : 1);
      if (samples > MAX_SAMPLES) {
        const size = `${batch} of ${width}x${height}`;
        throw refusal(node, `would give ${size}; at most ${MAX_SAMPLES} samples are allowed`);
      }
      this.#samples += samples;
    }
    const { storedNumbers, graph } = this.#math;
    const counts = [
      ["samples", this.#samples, MAX_ALL_SAMPLES],
      ["samples of noise", storedNumbers, MAX_STORED],
      ["operators", graph.nodes.length, MAX_OPERATORS],
    ] as const;
    for (const [what, count, most] of counts) {
      if (count <= most) continue;
      const way = "use fewer nodes or smaller pictures";
      throw refusal(node, `makes the graph too large: more than ${most} ${what}; ${way}`);
    }
  }
}

const refusal = (node: CheckedNode, problem: string): WorkerError =>
  new WorkerError("invalid_request", `${node.label} ${problem}`);
