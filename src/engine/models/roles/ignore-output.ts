/** The role `ignore` of outputs: not computed where nothing else needs it. */
import { Type } from "@sinclair/typebox";
import { type Port, role } from "./role.ts";

export const ignoreOutput = role({
  schema: Type.Object({ role: Type.Literal("ignore") }, { additionalProperties: false }),
  bind: ({ tensor, batched }): Port => ({ role: "ignore", tensor: tensor.name, batched }),
  attach: () => {},
});
