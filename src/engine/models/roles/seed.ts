/** The role `seed`: the parameter `seed`, which the random parts of a picture depend on. */
import { Type } from "@sinclair/typebox";
import type { NumberParam } from "../../protocol/models.ts";
import { attachNumber, bindNumber, feedNumber, type NumberPort } from "./number.ts";
import { type Moment, role } from "./role.ts";

export const SEED: NumberParam = {
  type: "number",
  name: "seed",
  default: 0,
  min: 0,
  max: 4_294_967_295,
  integer: true,
  description: "Varies the picture",
};

export const seedOf = ({ params }: Pick<Moment, "params">): number =>
  Number(params[SEED.name] ?? SEED.default);

export const seed = role({
  schema: Type.Object({ role: Type.Literal("seed") }, { additionalProperties: false }),
  bind: (binding): NumberPort => bindNumber(binding),
  params: () => [SEED],
  attach: attachNumber,
  value: (_, moment) => seedOf(moment),
  feed: feedNumber,
});
