/** The role `frame`: the video frame. */
import { Type } from "@sinclair/typebox";
import { WorkerError } from "../../../errors.ts";
import type { Picture } from "../../../media/picture.ts";
import type { GraphEdge } from "../graph-edge.ts";
import type { Tensor } from "../tensor.ts";
import { fromPicture } from "./pixel-graph.ts";
import { bindPixels, bindSize, PIXEL_FIELDS, type PixelFormat, SIZE_FIELDS } from "./pixels.ts";
import { type Port, type RunItem, role, type SizeRule, type StillPicture } from "./role.ts";

export interface FramePort extends Port {
  readonly role: "frame";
  readonly format: PixelFormat;
  readonly rule: SizeRule;
  /** The model can draw without video: it then gets mid grey. */
  readonly optional: boolean;
}

export const frame = role({
  schema: Type.Object(
    {
      role: Type.Literal("frame"),
      ...PIXEL_FIELDS,
      ...SIZE_FIELDS,
      optional: Type.Optional(Type.Boolean()),
    },
    { additionalProperties: false },
  ),

  bind(binding): FramePort {
    const { entry, tensor, batched } = binding;
    const format = bindPixels(binding, entry);
    const rule = bindSize(binding, entry, format.layout);
    const optional = entry.optional ?? false;
    return { role: "frame", tensor: tensor.name, batched, format, rule, optional };
  },

  video: ({ optional, rule }) => ({ use: optional ? "optional" : "required", rule }),

  isLive: (_, hasVideo) => hasVideo,

  attach(port, edge) {
    const picture = feedPicture(edge, port);
    edge.replace(port.tensor, fromPicture(edge.before, picture, port.format));
  },

  feed(port, item) {
    if (item.picture === null && !port.optional) {
      throw new WorkerError("model_failed", "the model needs a picture");
    }
    return { [pictureKey(port)]: pictureTensor(item.picture ?? grey(port.rule, item)) };
  },
});

/** Declares the input that takes the picture of a port. */
export const feedPicture = (edge: GraphEdge, port: Port & { readonly rule: SizeRule }) =>
  edge.feed(pictureKey(port), "uint8", [
    edge.batchOf(port),
    3,
    port.rule.size?.height ?? `${port.tensor} height`,
    port.rule.size?.width ?? `${port.tensor} width`,
  ]);

export const pictureKey = ({ tensor }: Port): string => `${tensor}/picture`;

export const pictureTensor = ({ data, width, height }: StillPicture): Tensor => ({
  dtype: "uint8",
  dims: [1, 3, height, width],
  data,
});

/** Mid grey in the size that the port takes. */
export function grey(rule: SizeRule, { size }: Pick<RunItem, "size">): Picture {
  return plain(rule.size ?? size, 128);
}

export const plain = (
  { width, height }: { width: number; height: number },
  level: number,
): Picture => ({
  data: new Uint8Array(width * height * 3).fill(level),
  width,
  height,
});
