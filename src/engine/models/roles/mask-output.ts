/** The role `mask` of outputs: how much of each pixel is foreground. The video is drawn over another background by it. */
import { Type } from "@sinclair/typebox";
import { literals } from "../../../schema.ts";
import type { ModelParam, VectorParam } from "../../protocol/models.ts";
import type { GraphBuilder, Value } from "../graph-builder.ts";
import type { GraphEdge } from "../graph-edge.ts";
import { pictureKey, pictureTensor, plain } from "./frame.ts";
import { pictureOf } from "./image-output.ts";
import {
  asPicture,
  bindMap,
  extremeOf,
  MAP_FIELDS,
  type MapPort,
  mapOf,
  mixed,
  normalised,
  resizedLike,
} from "./map.ts";
import { role } from "./role.ts";

export interface MaskOutputPort extends MapPort {
  readonly role: "mask";
  /** The values of background and foreground; null: the least and the greatest of the map. */
  readonly range: readonly [number, number] | null;
  /** Values above it are foreground, all others background; null: as they are. */
  readonly threshold: number | null;
  readonly invert: boolean;
  readonly over: "colour" | "blur" | "image";
}

const COLOUR: VectorParam = {
  type: "vector",
  name: "background",
  description: "Colour of the background",
  default: [0, 0.7, 0.25],
  min: 0,
  max: 1,
  entries: ["red", "green", "blue"],
  blend: false,
};

const PARAMS = {
  colour: [COLOUR],
  blur: [],
  image: [{ type: "picture", name: "background", description: "Picture behind the foreground" }],
} as const satisfies Record<string, readonly ModelParam[]>;

/** For the blur, the background is shrunk by this factor, then averaged over this many samples. */
const SHRINK = 8n;
const BLUR = 5n;

export const maskOutput = role({
  schema: Type.Object(
    {
      role: Type.Literal("mask"),
      ...MAP_FIELDS,
      range: Type.Optional(
        Type.Union([Type.Literal("auto"), Type.Tuple([Type.Number(), Type.Number()])]),
      ),
      threshold: Type.Optional(Type.Number()),
      invert: Type.Optional(Type.Boolean()),
      over: Type.Optional(literals(["colour", "blur", "image"])),
    },
    { additionalProperties: false },
  ),

  bind(binding): MaskOutputPort {
    const { entry } = binding;
    return {
      role: "mask",
      ...bindMap(binding, entry),
      range: entry.range === "auto" ? null : (entry.range ?? [0, 1]),
      threshold: entry.threshold ?? null,
      invert: entry.invert ?? false,
      over: entry.over ?? "colour",
    };
  },

  params: ({ over }) => PARAMS[over],
  needsOriginal: true,

  value({ tensor, over }, moment) {
    const value = moment.params["background"];
    if (over === "image") {
      return typeof value === "string"
        ? (moment.picture(tensor, { uri: value }, moment.outputSize) ?? undefined)
        : undefined;
    }
    if (over === "blur") return undefined;
    const numbers = Array.isArray(value) ? value : COLOUR.default;
    return {
      dtype: "float32",
      dims: [1, 3, 1, 1],
      data: Float32Array.from(numbers, (each) => each * 255),
    };
  },

  attach(port, edge) {
    const graph = edge.after;
    const original = graph.cast(edge.original(), "float32");
    const foreground = resizedLike(graph, foregroundOf(graph, port), original);
    const drawn = mixed(graph, background(port, edge, original), original, foreground);
    const dims = [edge.batch, 3, "image height", "image width"];
    edge.output(pictureKey(port), asPicture(graph, drawn), "uint8", dims);
  },

  feed(port, item, lane) {
    const value = item.values[port.tensor];
    if (port.over === "blur") return {};
    if (port.over === "colour") {
      return typeof value === "object" && "dtype" in value ? { [backgroundKey(port)]: value } : {};
    }
    const given = typeof value === "object" && "width" in value ? value : null;
    const { width, height } = item.original ?? item.size;
    const known = lane.get(backgroundKey(port)) as ReturnType<typeof plain> | undefined;
    const isKnown = known?.width === width && known.height === height;
    const substitute = isKnown ? known : plain({ width, height }, 0);
    if (given === null) lane.set(backgroundKey(port), substitute);
    return { [backgroundKey(port)]: pictureTensor(given ?? substitute) };
  },

  read(port, outputs, result) {
    result.picture = pictureOf(outputs[pictureKey(port)]);
  },
});

const backgroundKey = ({ tensor }: MaskOutputPort): string => `${tensor}/background`;

/** float32 `[N, 1, h, w]` from 0 to 1. */
function foregroundOf(graph: GraphBuilder, port: MaskOutputPort): Value {
  const map = mapOf(graph, port);
  const bound = (number: number): Value => graph.constant("float32", [], [number]);
  const [from, to] =
    port.range === null
      ? [extremeOf(graph, "ReduceMin", map), extremeOf(graph, "ReduceMax", map)]
      : [bound(port.range[0]), bound(port.range[1])];
  const share = normalised(graph, map, from, to);
  const cut =
    port.threshold === null
      ? share
      : graph.cast(graph.node("Greater", [share, bound(port.threshold)]), "float32");
  return port.invert ? graph.node("Sub", [bound(1), cut]) : cut;
}

/** float32 from 0 to 255, which broadcasts with the original. */
function background(port: MaskOutputPort, edge: GraphEdge, original: Value): Value {
  const graph = edge.after;
  switch (port.over) {
    case "colour":
      return edge.feed(backgroundKey(port), "float32", [edge.batch, 3, 1, 1]);
    case "image": {
      const dims = [edge.batch, 3, "original height", "original width"];
      return graph.cast(edge.feed(backgroundKey(port), "uint8", dims), "float32");
    }
    case "blur": {
      const window = { kernel_shape: [SHRINK, SHRINK], strides: [SHRINK, SHRINK], ceil_mode: 1n };
      const small = graph.node("AveragePool", [original], window);
      const pad = (BLUR - 1n) / 2n;
      const around = {
        kernel_shape: [BLUR, BLUR],
        pads: [pad, pad, pad, pad],
        count_include_pad: 0n,
      };
      const once = graph.node("AveragePool", [small], around);
      return resizedLike(graph, graph.node("AveragePool", [once], around), original);
    }
  }
}
