/** Hides how pictures travel in JSON: as base64 data URIs, one in at most, one out. */
import { type Static, Type } from "@sinclair/typebox";
import { WorkerError } from "../errors.ts";
import type { Capability } from "./capability.ts";

// The other members are a stream's parameters, checked where streams have theirs checked.
const asIn = (description: string) => Type.Optional(Type.Unknown({ description }));
const Input = Type.Object(
  {
    image: Type.Optional(
      Type.Union([Type.String(), Type.Null()], {
        expects: "a data URI of a PNG, JPEG or WebP",
        description: "data URI of a PNG, JPEG or WebP of at most 4096² pixels",
      }),
    ),
    prompts: asIn("as a stream's: {prompt, negative_prompt?, weight?}; required without image"),
    model: asIn("a name from GET /models"),
    width: asIn("even, 64 to 4096, with height; default 512 x 512 or the image's"),
    height: asIn("even, 64 to 4096, with width"),
    fit: asIn("cover, contain or stretch: how an image of another shape is fitted"),
    stream: Type.Optional(
      Type.Union([Type.Boolean(), Type.Null()], {
        expects: "true or false",
        description:
          "true: the answer is text/event-stream: progress, then the same answer in parts, see README",
      }),
    ),
    seed: asIn("and the model's other parameters by their names, see GET /models"),
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
      Type.Array(Type.String(), { description: "members that say nothing here" }),
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

/** What the URI says of the type must be one we take; what the bytes really are, the decoder sees. */
const DATA_URI = /^data:image\/(?:png|jpeg|jpg|webp)(?:;[\w.+-]+=[\w.+-]*)*;base64,/i;
const LONGEST_START = 200;

/** The bytes of a base64 data URI. Throws `invalid_request` naming `image`. */
function readDataUri(uri: string): Uint8Array {
  const [start] = DATA_URI.exec(uri.slice(0, LONGEST_START)) ?? [];
  if (start === undefined) {
    const shown = JSON.stringify(uri.slice(0, 40));
    throw bad(`must be a data URI: data:image/png;base64,… (or jpeg, or webp), got ${shown}`);
  }
  try {
    return Uint8Array.fromBase64(uri.slice(start.length));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw bad("must hold base64 after the comma");
  }
}

const bad = (problem: string): WorkerError =>
  new WorkerError("invalid_request", `image ${problem}`, {
    details: [{ field: "image", problem }],
  });
