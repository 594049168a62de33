/** The role `text`: the stream's prompts as the vector of controls in `prompts/controls.ts`, which procedural models read. */
import { Type } from "@sinclair/typebox";
import { VECTOR_LENGTH } from "../../prompts/controls.ts";
import { attachList, bindList, feedList, type ListPort, listTensor } from "./list.ts";
import { role } from "./role.ts";

export const text = role({
  schema: Type.Object(
    { role: Type.Literal("text"), encoder: Type.Literal("lexicon") },
    { additionalProperties: false },
  ),
  bind: (binding): ListPort => bindList(binding, VECTOR_LENGTH),
  isLive: () => true,
  attach: attachList,
  value: (_, moment) => listTensor(moment.text()),
  feed: feedList,
});
