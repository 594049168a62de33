/** Compiles a graph of image and mask nodes into one ONNX graph, so that all of it is one run of a session. */
import { WorkerError } from "../../../errors.ts";
import { GraphBuilder } from "../../models/graph-builder.ts";
import type { CheckedNode } from "../check-node.ts";
import type { Step } from "../execution-order.ts";
import type { Link } from "../graph.ts";
import type { NodeClass } from "../node-class.ts";
import { GraphLimits } from "./graph-limits.ts";
import { dimsOf, type GraphValue, type ImageValue } from "./graph-value.ts";
import { ImageMath } from "./image-math.ts";
import { NodeInputs } from "./node-inputs.ts";
import { formatDims, loadedImage, loadedMask, type PictureFormat, readPicture } from "./sources.ts";

/** A uint8 tensor of the graph: a picture that a node loads or shows. */
export interface PicturePort {
  readonly name: string;
  /** The id of the node. */
  readonly node: string;
  readonly dims: readonly number[];
}

export interface ImageProgram {
  /** The ONNX file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** One for each node that loads a picture. */
  readonly inputs: readonly PicturePort[];
  /** One for each node that shows or saves pictures: `[batch, height, width, channels]`, or planes. */
  readonly outputs: readonly PicturePort[];
}

export interface CompileOptions {
  /** The picture that a loading node gets. */
  readonly format: (node: CheckedNode) => PictureFormat;
  /** Of the outputs. */
  readonly layout: PictureFormat["layout"];
}

/** Classes whose picture comes from outside. */
const LOADERS: ReadonlySet<string> = new Set([
  "LoadImage",
  "LoadImageMask",
  "LoadImageOutput",
  "LoadTensor",
  "PrimaryInputLoadImage",
]);

/** Classes whose `images` leave the graph. */
const SAVERS: ReadonlySet<string> = new Set(["SaveImage", "PreviewImage", "SaveTensor"]);

/** True for classes that `compileImages` takes. */
export const isImageClass = ({ name, fragment }: NodeClass): boolean =>
  LOADERS.has(name) || SAVERS.has(name) || fragment !== undefined;

/**
 * Compiles nodes that are in an order in which each comes after what it needs. Throws `invalid_request`, naming the
 * node, for a class that is not an image node, for values that cannot be computed and for graphs that are too large.
 */
export function compileImages(order: readonly Step[], options: CompileOptions): ImageProgram {
  const graph = new GraphBuilder();
  const math = new ImageMath(graph);
  const limits = new GraphLimits(math);
  const known = new Map<string, readonly GraphValue[]>();
  const inputs: PicturePort[] = [];
  const outputs: PicturePort[] = [];
  const output = (link: Link): GraphValue => {
    const found = known.get(link.node)?.[link.output];
    if (found === undefined) throw new Error(`node ${link.node} has no output ${link.output}`);
    return found;
  };
  for (const { node } of order) {
    const { id, className } = node;
    const nodeInputs = new NodeInputs(node, output);
    if (LOADERS.has(className)) {
      const format = options.format(node);
      const port = { name: `picture_${inputs.length}`, node: id, dims: formatDims(format) };
      inputs.push(port);
      const picture = readPicture(math, graph.input(port.name, "uint8", port.dims), format);
      const values =
        className === "LoadImageMask"
          ? loadedMask(math, picture, nodeInputs.word("channel"))
          : loadedImage(math, picture);
      known.set(id, values);
    } else if (SAVERS.has(className)) {
      const name = `shown_${outputs.length}`;
      const dims = show(math, nodeInputs.image("images"), name, options.layout);
      outputs.push({ name, node: id, dims });
    } else {
      const values = node.nodeClass.fragment?.(nodeInputs, math);
      if (values === undefined) throw refusal(node, "is not an image node");
      limits.check(node, values);
      known.set(id, values);
    }
  }
  return { bytes: graph.build("images"), inputs, outputs };
}

/** Writes a picture of 8 bits as SaveImage does: cut off to 0…1, then truncated. */
function show(
  math: ImageMath,
  image: ImageValue,
  name: string,
  layout: PictureFormat["layout"],
): number[] {
  const [batch = 1, height = 1, width = 1, channels = 1] = dimsOf(image);
  const dims = layout === "nhwc" ? dimsOf(image) : [batch, channels, height, width];
  const bytes = math.graph.cast(math.clamp(math.mul(image.value, 255), 0, 255), "uint8");
  const shown = layout === "nhwc" ? bytes : math.graph.transpose(bytes, 0, 3, 1, 2);
  math.graph.output(name, shown, "uint8", dims);
  return dims;
}

const refusal = (node: CheckedNode, problem: string): WorkerError =>
  new WorkerError("invalid_request", `${node.label} ${problem}`);
