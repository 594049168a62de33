/** The roles `image` and `mask` of inputs: a second picture, from a file in the model's folder or uploaded by callers. */
import { Type } from "@sinclair/typebox";
import type { PictureParam } from "../../protocol/models.ts";
import { inputSize } from "../definition.ts";
import { feedPicture, pictureKey, pictureTensor, plain } from "./frame.ts";
import { ParamName, paramName } from "./param-fields.ts";
import { fromPicture } from "./pixel-graph.ts";
import { bindPixels, bindSize, PIXEL_FIELDS, type PixelFormat, SIZE_FIELDS } from "./pixels.ts";
import {
  type Lane,
  type Port,
  type RunItem,
  role,
  type SizeRule,
  type StillPicture,
} from "./role.ts";

export interface ImagePort extends Port {
  readonly format: PixelFormat;
  readonly rule: SizeRule;
  /** A file in the model's folder, shown while nothing is uploaded; null: a plain picture. */
  readonly file: string | null;
  /** Null where callers cannot upload one. */
  readonly param: PictureParam | null;
}

/** A path inside the model's folder. None of its parts begins with a dot. */
const AssetPath = Type.String({
  pattern: "^[^/\\\\.][^/\\\\]*(/[^/\\\\.][^/\\\\]*)*$",
  maxLength: 256,
});

/** `level`: the brightness (0 to 255) of the plain picture that is fed while there is none. */
const pictureRole = <Name extends "image" | "mask">(name: Name, level: number) =>
  role({
    schema: Type.Object(
      {
        role: Type.Literal(name),
        ...PIXEL_FIELDS,
        ...SIZE_FIELDS,
        file: Type.Optional(AssetPath),
        /** Of the parameter by which callers upload a picture. */
        name: Type.Optional(ParamName),
        description: Type.Optional(Type.String()),
      },
      { additionalProperties: false },
    ),

    bind(binding): ImagePort {
      const { entry, tensor, batched } = binding;
      const format = bindPixels(binding, entry);
      const rule = bindSize(binding, entry, format.layout);
      const isFixed = entry.file !== undefined && entry.name === undefined;
      const description = entry.description ?? "";
      const param: PictureParam | null = isFixed
        ? null
        : { type: "picture", name: paramName(binding), description };
      const port = { role: name, tensor: tensor.name, batched, format, rule };
      return { ...port, file: entry.file ?? null, param };
    },

    params: ({ param }) => (param === null ? [] : [param]),

    value({ tensor, rule, file, param }, moment) {
      const size = inputSize({ picture: rule }, moment.size);
      const uri = param === null ? undefined : moment.params[param.name];
      const uploaded = typeof uri === "string" ? moment.picture(tensor, { uri }, size) : null;
      return (
        uploaded ??
        (file === null ? null : moment.picture(`${tensor} file`, { file }, size)) ??
        undefined
      );
    },

    attach(port, edge) {
      edge.replace(port.tensor, fromPicture(edge.before, feedPicture(edge, port), port.format));
    },

    feed(port, item, lane) {
      const value = item.values[port.tensor];
      const given = typeof value === "object" && "width" in value ? value : null;
      const picture = given ?? substitute(port, item, lane, level);
      return { [pictureKey(port)]: pictureTensor(picture) };
    },
  });

/** A plain picture, made once for a size. */
function substitute(port: ImagePort, item: RunItem, lane: Lane, level: number): StillPicture {
  const size = inputSize({ picture: port.rule }, item.picture ?? item.size);
  const known = lane.get(port.tensor) as StillPicture | undefined;
  if (known?.width === size.width && known.height === size.height) return known;
  const made = plain(size, level);
  lane.set(port.tensor, made);
  return made;
}

export const image = pictureRole("image", 128);
export const mask = pictureRole("mask", 255);
