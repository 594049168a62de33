/** The capability `comfystream-image`: makes one picture; pictures travel in JSON as base64 data URIs. */
import { type Static, Type } from "@sinclair/typebox";
import { WorkerError } from "../errors.ts";
import type { Capability } from "./capability.ts";

// The other members are stream parameters, which the server checks.
const parameter = (description: string) => Type.Optional(Type.Unknown({ description }));
const Input = Type.Object(
  {
    image: Type.Optional(
      Type.Union([Type.String(), Type.Null()], {
        expects: "a data URI of a PNG, JPEG or WebP",
        description: "data URI of a PNG, JPEG or WebP of at most 4096² pixels",
      }),
    ),
    prompts: parameter(
      "as a stream's: {prompt, negative_prompt?, weight?}; required without image",
    ),
    model: parameter("a name from GET /models"),
    width: parameter("even, 64 to 4096, with height; default 512 x 512 or the image's"),
    height: parameter("even, 64 to 4096, with width"),
    fit: parameter("cover, contain or stretch: how an image of another shape is fitted"),
    stream: Type.Optional(
      Type.Union([Type.Boolean(), Type.Null()], {
        expects: "true or false",
        description:
          "true: the answer is text/event-stream: progress, then the same answer in parts, see README",
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
    width: Type.Integer(),
    height: Type.Integer(),
    images: Type.Array(
      Type.Object({
        data: Type.String({ description: "data URI of a PNG" }),
        width: Type.Integer(),
        height: Type.Integer(),
      }),
    ),
    ignored: Type.Optional(
      Type.Array(Type.String(), { description: "members that have no meaning for a picture" }),
    ),
  }),
  run: async (input, { images, describe, ...job }) => {
    const { image, stream: _, ...fields } = input as Static<typeof Input>;
    const file = image == null ? null : readDataUri(image);
    const { png, width, height, ignored, metadata } = await images.make(fields, file, job);
    describe(metadata);
    return {
      success: true,
      message: "Image generated successfully",
      width,
      height,
      images: [{ data: `data:image/png;base64,${png.toBase64()}`, width, height }],
      ...(ignored.length > 0 && { ignored }),
    };
  },
};

/** The declared type must be a supported one; what the bytes really are, the decoder finds out. */
const DATA_URI = /^data:image\/(?:png|jpeg|jpg|webp)(?:;[\w.+-]+=[\w.+-]*)*;base64,/i;
/** Characters in which the comma of a data URI must come. */
const MAX_HEADER_CHARACTERS = 200;

/** The bytes of a base64 data URI. Throws `invalid_request` naming `image`. */
function readDataUri(uri: string): Uint8Array {
  const [header] = DATA_URI.exec(uri.slice(0, MAX_HEADER_CHARACTERS)) ?? [];
  if (header === undefined) {
    const shown = JSON.stringify(uri.slice(0, 40));
    throw invalidImage(
      `must be a data URI: data:image/png;base64,… (or jpeg, or webp), got ${shown}`,
    );
  }
  try {
    return Uint8Array.fromBase64(uri.slice(header.length));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw invalidImage("must hold base64 after the comma");
  }
}

const invalidImage = (problem: string): WorkerError =>
  new WorkerError("invalid_request", `image ${problem}`, {
    details: [{ field: "image", problem }],
  });
