/** Runs a model of the workspace on a picture: scales the picture to the model's size, and the result back. */
import { WorkerError } from "../../../errors.ts";
import type { Size } from "../../protocol/work.ts";
import { ImageScale } from "../nodes/image-sizes/image-scale.ts";
import type { FolderModel } from "./folder-models.ts";
import { NodeInputs } from "./node-inputs.ts";
import { output, type RunContext } from "./node-runner.ts";
import { fromPicture, toPicture } from "./pixels.ts";
import type { Images } from "./values.ts";

/** Runs the model on one picture. The result has the picture's own size. */
export async function through(
  model: FolderModel,
  picture: Images | null,
  context: RunContext,
  rest: Pick<Parameters<FolderModel["run"]>[0], "params" | "prompts">,
) {
  const size = model.sizeFor(picture ?? { width: 512, height: 512 });
  const { video } = model.definition;
  if (picture === null && video === "required")
    throw modelRefusal("needs a picture: link one to image");
  const takesVideo = video !== "none";
  const inner =
    picture !== null && takesVideo ? toPicture(await scaled(picture, size, context)) : null;
  const { picture: drawn, data } = await model.run({ picture: inner, size, ...rest });
  if (drawn === null) return { picture: null, data };
  const images = fromPicture(drawn);
  const isSqueezed = picture !== null && drawn.width === size.width && drawn.height === size.height;
  return { picture: isSqueezed ? await scaled(images, picture, context) : images, data };
}

/** As ImageScale does. */
export async function scaled(
  images: Images,
  { width, height }: Size,
  context: RunContext,
): Promise<Images> {
  if (images.width === width && images.height === height) return images;
  const node = {
    id: "scale",
    className: ImageScale.name,
    sentClass: ImageScale.name,
    nodeClass: ImageScale,
    label: "scaling",
    links: new Map([["image", { node: "source", output: 0 }]]),
    missingLinks: [],
    values: new Map<string, string | number>([
      ["upscale_method", "bilinear"],
      ["width", width],
      ["height", height],
      ["crop", "disabled"],
    ]),
  };
  const source = new Map([["source", [output("IMAGE", images)]]]);
  const [result] = await context.images.run(new NodeInputs(node, source));
  if (result?.type !== "IMAGE") throw new Error("scaling gave no picture");
  return result.value;
}

/** An `invalid_request` about the model that a node names. */
export const modelRefusal = (problem: string): WorkerError =>
  new WorkerError("invalid_request", `the model ${problem}`);
