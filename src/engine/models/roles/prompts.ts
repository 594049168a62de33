/** The role `prompts`: the stream's prompts or graphs as they are, for programs that encode or run them themselves. */
import { Type } from "@sinclair/typebox";
import { type Port, role } from "./role.ts";

export const prompts = role({
  schema: Type.Object({ role: Type.Literal("prompts") }, { additionalProperties: false }),
  bind: ({ tensor, batched }): Port => ({ role: "prompts", tensor: tensor.name, batched }),
  value: (_, { prompts: texts, graphs }) => ({ prompts: texts, graphs }),
});
