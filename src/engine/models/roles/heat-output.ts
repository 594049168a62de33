/** The role `heat` of outputs: a map of values (depth, probability, attention), drawn in colours over the video. */
import { Type } from "@sinclair/typebox";
import { literals } from "../../../schema.ts";
import type { NumberParam } from "../../protocol/models.ts";
import type { GraphBuilder, Value } from "../graph-builder.ts";
import type { GraphEdge } from "../graph-edge.ts";
import type { Tensor } from "../tensor.ts";
import { type COLOUR_MAPS, colourTable } from "./colour-maps.ts";
import { pictureKey } from "./frame.ts";
import { pictureOf } from "./image-output.ts";
import {
  asPicture,
  bindMap,
  MAP_FIELDS,
  type MapPort,
  mapOf,
  mixed,
  normalised,
  resizedLike,
} from "./map.ts";
import { role } from "./role.ts";

export interface HeatOutputPort extends MapPort {
  readonly role: "heat";
  /** The values of the first and the last colour; null: the least and the greatest of the map, smoothed over time. */
  readonly range: readonly [number, number] | null;
  readonly colours: keyof typeof COLOUR_MAPS;
  /** Colours fade where the map is low. */
  readonly clearLow: boolean;
  readonly param: NumberParam;
}

/** How much of the bounds of the run before remains in a run, so that colours do not flicker. */
const INERTIA = 0.9;

export const heatOutput = role({
  schema: Type.Object(
    {
      role: Type.Literal("heat"),
      ...MAP_FIELDS,
      /** "auto": from the least to the greatest value, smoothed over time. */
      range: Type.Optional(
        Type.Union([Type.Literal("auto"), Type.Tuple([Type.Number(), Type.Number()])]),
      ),
      colours: Type.Optional(literals(["inferno", "viridis", "turbo", "gray"])),
      /** The video stays clear where the map is low: for maps of what was found, not for depth. */
      clear_low: Type.Optional(Type.Boolean()),
      /** The default of the parameter `blend`: 0 shows the video, 1 the colours alone. */
      blend: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    },
    { additionalProperties: false },
  ),

  bind(binding): HeatOutputPort {
    const { entry } = binding;
    return {
      role: "heat",
      ...bindMap(binding, entry),
      range: entry.range === undefined || entry.range === "auto" ? null : entry.range,
      colours: entry.colours ?? "inferno",
      clearLow: entry.clear_low ?? false,
      param: {
        type: "number",
        name: "blend",
        default: entry.blend ?? 0.7,
        min: 0,
        max: 1,
        integer: false,
        description: "0 shows the video, 1 the colours alone",
      },
    };
  },

  params: ({ param }) => [param],
  needsOriginal: true,
  isRecurrent: true,

  value: ({ param }, { params }) => Number(params[param.name] ?? param.default),

  attach(port, edge) {
    const graph = edge.after;
    const map = mapOf(graph, port);
    const [from, to] = bounds(port, edge, map);
    const share = normalised(graph, map, from, to);
    const blend = edge.feed(blendKey(port), "float32", []);
    const original = graph.cast(edge.original(), "float32");
    const colours = resizedLike(graph, coloured(graph, share, port.colours), original);
    const strength = port.clearLow
      ? graph.node("Mul", [resizedLike(graph, share, original), blend])
      : blend;
    const drawn = asPicture(graph, mixed(graph, original, colours, strength));
    edge.output(pictureKey(port), drawn, "uint8", [edge.batch, 3, "image height", "image width"]);
  },

  feed(port, { values }, lane) {
    const blend: Tensor = one(Number(values[port.tensor]));
    if (port.range !== null) return { [blendKey(port)]: blend };
    const last = usable(lane.get(port.tensor) as Tensor | undefined);
    return {
      [blendKey(port)]: blend,
      [lastKey(port)]: last ?? { dtype: "float32", dims: [2], data: new Float32Array(2) },
      [inertiaKey(port)]: one(last ? INERTIA : 0),
    };
  },

  read(port, outputs, result, lane) {
    result.picture = pictureOf(outputs[pictureKey(port)]);
    if (port.range === null) lane.set(port.tensor, outputs[boundsKey(port)]);
  },
});

const blendKey = ({ tensor }: HeatOutputPort): string => `${tensor}/blend`;
const lastKey = ({ tensor }: HeatOutputPort): string => `${tensor}/last bounds`;
const inertiaKey = ({ tensor }: HeatOutputPort): string => `${tensor}/inertia`;
const boundsKey = ({ tensor }: HeatOutputPort): string => `${tensor}/bounds`;

/** Bounds of a map with values that are not finite would never come back to others. */
const usable = (bounds: Tensor | undefined): Tensor | undefined =>
  bounds && Array.from(bounds.data, Number).every(Number.isFinite) ? bounds : undefined;

const one = (number: number): Tensor => ({
  dtype: "float32",
  dims: [],
  data: Float32Array.of(number),
});

function bounds(port: HeatOutputPort, edge: GraphEdge, map: Value): readonly [Value, Value] {
  const graph = edge.after;
  if (port.range !== null) {
    const [from, to] = port.range.map((each) => graph.constant("float32", [], [each]));
    return [from as Value, to as Value];
  }
  const flat = graph.node("Reshape", [map, graph.constant("int64", [1], [-1])]);
  const least = graph.node("ReduceMin", [flat]);
  const greatest = graph.node("ReduceMax", [flat]);
  const now = graph.node("Concat", [least, greatest], { axis: 0n });
  const last = edge.feed(lastKey(port), "float32", [2]);
  const smooth = mixed(graph, now, last, edge.feed(inertiaKey(port), "float32", []));
  edge.output(boundsKey(port), smooth, "float32", [2]);
  const part = (at: number): Value =>
    graph.node("Gather", [smooth, graph.constant("int64", [], [at])], { axis: 0n });
  return [part(0), part(1)];
}

/** float32 `[N, 3, h, w]` from 0 to 255. */
function coloured(graph: GraphBuilder, share: Value, colours: keyof typeof COLOUR_MAPS): Value {
  const steps = graph.node("Mul", [share, graph.constant("float32", [], [255])]);
  const index = graph.cast(
    graph.node("Add", [steps, graph.constant("float32", [], [0.5])]),
    "int32",
  );
  const channel = (at: number): Value =>
    graph.node("Gather", [graph.constant("float32", [256], colourTable(colours, at)), index], {
      axis: 0n,
    });
  return graph.node("Concat", [channel(0), channel(1), channel(2)], { axis: 1n });
}
