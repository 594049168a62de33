/** The role `image` of outputs: the picture that the model draws. */
import { Type } from "@sinclair/typebox";
import { WorkerError } from "../../../errors.ts";
import type { Picture } from "../../../media/picture.ts";
import { value } from "../graph-builder.ts";
import type { Tensor } from "../tensor.ts";
import { pictureKey } from "./frame.ts";
import { toPicture } from "./pixel-graph.ts";
import { bindPixels, PIXEL_FIELDS, type PixelFormat } from "./pixels.ts";
import { type Port, role } from "./role.ts";

export interface ImageOutputPort extends Port {
  readonly format: PixelFormat;
}

export const imageOutput = role({
  schema: Type.Object(
    { role: Type.Literal("image"), ...PIXEL_FIELDS },
    { additionalProperties: false },
  ),

  bind(binding): ImageOutputPort {
    const { entry, tensor, batched } = binding;
    return { role: "image", tensor: tensor.name, batched, format: bindPixels(binding, entry) };
  },

  attach(port, edge) {
    const picture = toPicture(edge.after, value(port.tensor), port.format);
    edge.output(pictureKey(port), picture, "uint8", [edge.batch, 3, "image height", "image width"]);
  },

  read(port, outputs, result) {
    result.picture = pictureOf(outputs[pictureKey(port)]);
  },
});

/** Throws `model_failed` for an output that is not a picture. */
export function pictureOf(tensor: Tensor | undefined): Picture {
  const { dims = [], data } = tensor ?? {};
  const [batch, depth, height, width] = dims;
  if (batch !== 1 || depth !== 3 || !height || !width || dims.length !== 4) {
    throw new WorkerError(
      "model_failed",
      `the output has dimensions [${dims.join(", ")}], where a picture [1, 3, height, width] is needed: ` +
        "check layout and channels of the output in model.json",
    );
  }
  return { data: data as Uint8Array<ArrayBuffer>, width, height };
}
