/** The role `noise`: normally distributed numbers, alone or added to the video frame. The same seed gives the same noise. */
import { Type } from "@sinclair/typebox";
import { TorchGenerator } from "../../random/torch-noise.ts";
import { value } from "../graph-builder.ts";
import { countOf, filled, type Tensor } from "../tensor.ts";
import { describeTensor, type ElementType } from "../tensor-signature.ts";
import { feedPicture, grey, pictureKey, pictureTensor } from "./frame.ts";
import { dimensionsOf } from "./free-dimensions.ts";
import { holdsNumber } from "./number.ts";
import { fromPicture } from "./pixel-graph.ts";
import { bindPixels, bindSize, PIXEL_FIELDS, type PixelFormat, SIZE_FIELDS } from "./pixels.ts";
import { type Lane, type Port, type RunItem, role, type SizeRule } from "./role.ts";
import { SEED, seedOf } from "./seed.ts";

export interface NoisePort extends Port {
  readonly dtype: ElementType;
  /** Null for dimensions that follow the picture, in the layout's order. */
  readonly dims: readonly (number | null)[];
  /** A factor, or the tensor of one number whose value is the factor. */
  readonly scale: number | string;
  /** The video frame that the noise is added to; null: noise alone. */
  readonly frame: PixelFormat | null;
  readonly rule: SizeRule;
}

export const noise = role({
  schema: Type.Object(
    {
      role: Type.Literal("noise"),
      /** Where the file leaves dimensions free and they are not those of the frame; 1 each by default. */
      shape: Type.Optional(Type.Array(Type.Integer({ minimum: 1 }))),
      /** A factor, or the name of an input of one number: its value is the factor. */
      scale: Type.Optional(Type.Union([Type.Number(), Type.String()])),
      /** Noise is added to the video frame; without video it is alone. */
      frame: Type.Optional(
        Type.Object({ ...PIXEL_FIELDS, ...SIZE_FIELDS }, { additionalProperties: false }),
      ),
    },
    { additionalProperties: false },
  ),

  bind(binding): NoisePort {
    const { entry, tensor, signature, problem, batched } = binding;
    const { name, dtype, dims } = tensor;
    const scale = entry.scale ?? 1;
    if (typeof scale === "string") {
      const factor = signature.inputs.find((input) => input.name === scale);
      if (factor === undefined) {
        const names = signature.inputs.map((input) => input.name).join(", ");
        problem(
          "scale",
          `is ${JSON.stringify(scale)}, which is not an input of the file: ${names}`,
        );
      } else if (!holdsNumber(factor)) {
        const given = describeTensor(factor);
        problem("scale", `names an input that does not hold one number: ${given}`);
      }
    }
    if ((dtype !== "float32" && dtype !== "float16") || dims === null) {
      problem(
        "",
        `has role "noise", which needs floats, but the tensor is ${describeTensor(tensor)}`,
      );
    }
    const format = entry.frame ? bindPixels(binding, entry.frame) : null;
    const rule = entry.frame && format ? bindSize(binding, entry.frame, format.layout) : FREE;
    const isSide = (at: number): boolean =>
      format !== null && "hw".includes(format.layout[at] ?? "c");
    const sides = dimensionsOf(binding, entry.shape).map((dim, at) =>
      isSide(at) ? dim : (dim ?? 1),
    );
    const port = { role: "noise", tensor: name, batched, dtype: dtype ?? "float32" } as const;
    return { ...port, dims: sides, scale, frame: format, rule };
  },

  params: () => [SEED],
  video: ({ frame, rule }) => (frame === null ? null : { use: "optional", rule }),
  isLive: ({ frame }, hasVideo) => frame !== null && hasVideo,
  value: (_, moment) => seedOf(moment),

  attach(port, edge) {
    const { tensor, frame, dims, dtype } = port;
    const graph = edge.before;
    const sides = dims.map((dim, at) =>
      at === 0 && port.batched ? edge.batch : (dim ?? `${tensor} ${at}`),
    );
    const plain = edge.feed(tensor, "float32", sides);
    const factor =
      typeof port.scale === "number"
        ? graph.constant("float32", [], [port.scale])
        : broadcastable(graph.cast(value(port.scale), "float32"), edge.before, dims.length);
    const scaled = graph.node("Mul", [plain, factor]);
    if (frame === null) {
      edge.replace(tensor, dtype === "float16" ? graph.cast(scaled, "float16") : scaled);
      return;
    }
    const picture = feedPicture(edge, port);
    const weight = edge.feed(
      weightKey(port),
      "float32",
      dims.map((_, at) => (at === 0 ? edge.batchOf(port) : 1)),
    );
    const mixed = fromPicture(graph, picture, frame, (samples) =>
      graph.node("Add", [graph.node("Mul", [samples, weight]), scaled]),
    );
    edge.replace(tensor, mixed);
  },

  feed(port, item, lane) {
    const plain = noiseOf(port, item, lane);
    if (port.frame === null) return { [port.tensor]: plain };
    const picture = pictureTensor(item.picture ?? grey(port.rule, item));
    const weight = filled(
      "float32",
      port.dims.map(() => 1),
      item.picture === null ? 0 : 1,
    );
    return { [port.tensor]: plain, [pictureKey(port)]: picture, [weightKey(port)]: weight };
  },
});

/** How much of the video frame there is: all of it or, without video, nothing. */
const weightKey = ({ tensor }: NoisePort): string => `${tensor}/frame weight`;

const FREE: SizeRule = { size: null, multipleOf: 1 };

/** One number a batch item, `[N]` or `[]`, with as many dimensions as the noise. */
function broadcastable(
  number: ReturnType<typeof value>,
  graph: Parameters<typeof fromPicture>[0],
  rank: number,
) {
  const shape = [-1, ...Array.from({ length: rank - 1 }, () => 1)];
  return graph.node("Reshape", [number, graph.constant("int64", [shape.length], shape)]);
}

interface Drawn {
  readonly key: string;
  readonly tensor: Tensor;
}

/** Drawn once for a seed and a size, and kept: it takes longer than many runs. */
function noiseOf(port: NoisePort, item: RunItem, lane: Lane): Tensor {
  const { width, height } = item.picture ?? port.rule.size ?? item.size;
  const layout = port.frame?.layout ?? "";
  const dims = port.dims.map((dim, at) => dim ?? (layout[at] === "h" ? height : width));
  const key = `${item.values[port.tensor]} ${dims}`;
  const known = lane.get(port.tensor) as Drawn | undefined;
  if (known?.key === key) return known.tensor;
  const data = new TorchGenerator(Number(item.values[port.tensor])).randn(countOf(dims));
  const tensor: Tensor = { dtype: "float32", dims, data };
  lane.set(port.tensor, { key, tensor } satisfies Drawn);
  return tensor;
}
