/** The role `previous_output`: the picture that the model drew last; before the first, the video frame, or black. */
import { Type } from "@sinclair/typebox";
import type { Picture } from "../../../media/picture.ts";
import { inputSize } from "../definition.ts";
import { feedPicture, pictureKey, pictureTensor, plain } from "./frame.ts";
import { fromPicture } from "./pixel-graph.ts";
import { bindPixels, bindSize, PIXEL_FIELDS, type PixelFormat, SIZE_FIELDS } from "./pixels.ts";
import { type Lane, type Port, type RunItem, role, type SizeRule } from "./role.ts";

export interface PreviousOutputPort extends Port {
  readonly role: "previous_output";
  readonly format: PixelFormat;
  readonly rule: SizeRule;
}

/** Where the program keeps the picture of a lane's last run. */
export const LAST_PICTURE = "last picture";

export const previousOutput = role({
  schema: Type.Object(
    { role: Type.Literal("previous_output"), ...PIXEL_FIELDS, ...SIZE_FIELDS },
    { additionalProperties: false },
  ),

  bind(binding): PreviousOutputPort {
    const { entry, tensor, batched } = binding;
    const format = bindPixels(binding, entry);
    const rule = bindSize(binding, entry, format.layout);
    return { role: "previous_output", tensor: tensor.name, batched, format, rule };
  },

  isLive: () => true,
  isRecurrent: true,

  attach(port, edge) {
    const picture = feedPicture(edge, port);
    edge.replace(port.tensor, fromPicture(edge.before, picture, port.format));
  },

  feed: (port, item, lane) => ({
    [pictureKey(port)]: pictureTensor(lastPicture(port, item, lane)),
  }),
});

/** A picture of another size is of a stream that has changed its size: it starts anew. */
function lastPicture(port: PreviousOutputPort, item: RunItem, lane: Lane): Picture {
  const { width, height } = inputSize({ picture: port.rule }, item.picture ?? item.size);
  const last = lane.get(LAST_PICTURE) as Picture | undefined;
  const fits = (picture: Picture | null | undefined): picture is Picture =>
    picture?.width === width && picture.height === height;
  if (fits(last)) return last;
  return fits(item.picture) ? item.picture : plain({ width, height }, 0);
}
