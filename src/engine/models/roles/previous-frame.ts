/** The role `previous_frame`: the video frame of the run before; in the first run, and after a change of size, the current one. */
import { Type } from "@sinclair/typebox";
import type { Picture } from "../../../media/picture.ts";
import { feedPicture, grey, pictureKey, pictureTensor } from "./frame.ts";
import { fromPicture } from "./pixel-graph.ts";
import { bindPixels, bindSize, PIXEL_FIELDS, type PixelFormat, SIZE_FIELDS } from "./pixels.ts";
import { type Port, role, type SizeRule } from "./role.ts";

export interface PreviousFramePort extends Port {
  readonly role: "previous_frame";
  readonly format: PixelFormat;
  readonly rule: SizeRule;
}

export const previousFrame = role({
  schema: Type.Object(
    { role: Type.Literal("previous_frame"), ...PIXEL_FIELDS, ...SIZE_FIELDS },
    { additionalProperties: false },
  ),

  bind(binding): PreviousFramePort {
    const { entry, tensor, batched } = binding;
    const format = bindPixels(binding, entry);
    const rule = bindSize(binding, entry, format.layout);
    return { role: "previous_frame", tensor: tensor.name, batched, format, rule };
  },

  video: ({ rule }) => ({ use: "required", rule }),

  isLive: () => true,
  isRecurrent: true,

  attach(port, edge) {
    const picture = feedPicture(edge, port);
    edge.replace(port.tensor, fromPicture(edge.before, picture, port.format));
  },

  feed(port, item, lane) {
    const current = item.picture ?? grey(port.rule, item);
    const before = lane.get(port.tensor) as Picture | undefined;
    lane.set(port.tensor, current);
    const isSame = before?.width === current.width && before.height === current.height;
    return { [pictureKey(port)]: pictureTensor(before && isSame ? before : current) };
  },
});
