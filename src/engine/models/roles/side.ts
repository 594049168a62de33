/** The roles `width` and `height`: the sides of the picture that the model gets, or should draw, in pixels. */
import { Type } from "@sinclair/typebox";
import { attachNumber, bindNumber, feedNumber, type NumberPort } from "./number.ts";
import { role } from "./role.ts";

const side = <Name extends "width" | "height">(name: Name) =>
  role({
    schema: Type.Object({ role: Type.Literal(name) }, { additionalProperties: false }),
    bind: (binding): NumberPort => bindNumber(binding),
    attach: attachNumber,
    value: (_, { size }) => size[name],
    feed: feedNumber,
  });

export const width = side("width");
export const height = side("height");
