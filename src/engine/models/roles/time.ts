/** The role `time`: seconds of media time since the stream began. */
import { Type } from "@sinclair/typebox";
import { attachNumber, bindNumber, feedNumber, type NumberPort } from "./number.ts";
import { role } from "./role.ts";

export const time = role({
  schema: Type.Object({ role: Type.Literal("time") }, { additionalProperties: false }),
  bind: (binding): NumberPort => bindNumber(binding),
  isLive: () => true,
  attach: attachNumber,
  value: (_, { timeSeconds }) => timeSeconds,
  feed: feedNumber,
});
