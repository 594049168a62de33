/** The capability `comfystream-image`: makes one picture; pictures travel in JSON as base64 data URIs. */
import { type Static, Type } from "@sinclair/typebox";
import { pictureUri, readPictureUri } from "../engine/protocol/picture-uri.ts";
import { WorkerError } from "../errors.ts";
import { FieldProblem } from "../field-problem.ts";
import { nullable } from "../schema.ts";
import type { Capability } from "./capability.ts";

// The other members are stream parameters, which the server checks.
const parameter = (description: string) => Type.Optional(Type.Unknown({ description }));
const Input = Type.Object(
  {
    image: Type.Optional(
      nullable(Type.String(), {
        expects: "a data URI of a PNG, JPEG or WebP",
        description: "data URI of a PNG, JPEG or WebP of at most 4096² pixels",
      }),
    ),
    prompts: parameter(
      "as a stream's: {prompt, negative_prompt?, weight?} or a ComfyUI graph; required without image",
    ),
    model: parameter("a name from GET /models"),
    preset: parameter("a name from the model's presets"),
    width: parameter("even, 64 to 4096, with height; default 512 x 512 or the image's"),
    height: parameter("even, 64 to 4096, with width"),
    fit: parameter("cover, contain or stretch: how an image of another shape is fitted"),
    stream: Type.Optional(
      nullable(Type.Boolean(), {
        expects: "true or false",
        description:
          "true: the answer is text/event-stream: progress, then the same answer in parts (docs/api.md)",
      }),
    ),
    seed: parameter("and the model's other parameters by their names, see GET /models"),
  },
  { additionalProperties: true },
);

export const comfystreamImage: Capability = {
  name: "comfystream-image",
  aliases: [],
  description: "draws a picture from a prompt, or puts one through a model",
  onDevice: true,
  input: Input,
  output: Type.Object({
    success: Type.Literal(true),
    message: Type.String(),
    width: Type.Integer({ description: "of the first picture; 0 for a graph of texts alone" }),
    height: Type.Integer(),
    images: Type.Array(
      Type.Object({
        data: Type.String({ description: "data URI of a PNG" }),
        width: Type.Integer(),
        height: Type.Integer(),
        node: Type.Optional(
          Type.String({ description: "of a graph: the id of the node that gives it" }),
        ),
        index: Type.Optional(
          Type.Integer({ description: "of a graph: the picture's place in the node's batch" }),
        ),
      }),
      { description: "one; of a graph those of all its SaveImage and PreviewImage nodes" },
    ),
    texts: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: "of a graph: the texts of its SaveTextTensor nodes, by their ids",
      }),
    ),
    warnings: Type.Optional(
      Type.Array(FieldProblem, {
        description: "of a graph: what is wrong with parts that did not run, by node",
      }),
    ),
    ignored: Type.Optional(
      Type.Array(Type.String(), { description: "members that have no meaning for a picture" }),
    ),
  }),
  run: async (input, { images, describe, ...job }) => {
    const { image, stream: _, ...fields } = input as Static<typeof Input>;
    const file = image == null ? null : readImage(image);
    const { pictures, texts, warnings, ignored, metadata } = await images.make(fields, file, job);
    describe(metadata);
    const [first = { width: 0, height: 0 }] = pictures;
    return {
      success: true,
      message: "Image generated successfully",
      width: first.width,
      height: first.height,
      images: pictures.map(({ png, ...rest }) => ({ data: pictureUri(png, "png"), ...rest })),
      ...(Object.keys(texts).length > 0 && { texts }),
      ...(warnings.length > 0 && { warnings }),
      ...(ignored.length > 0 && { ignored }),
    };
  },
};

/** The bytes of a base64 data URI; the decoder finds out what they are. Throws `invalid_request` naming `image`. */
function readImage(uri: string): Uint8Array {
  const reading = readPictureUri(uri);
  if ("problem" in reading) throw invalidImage(reading.problem);
  return reading.bytes;
}

const invalidImage = (problem: string): WorkerError =>
  new WorkerError("invalid_request", `image ${problem}`, {
    details: [{ field: "image", problem }],
  });
