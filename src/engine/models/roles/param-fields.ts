/** Fields that parameters share: their names and ranges, and what these are where `model.json` does not state them. */
import { Type } from "@sinclair/typebox";
import { REQUEST_FIELDS } from "../../protocol/models.ts";
import type { Binding } from "./role.ts";

export const ParamName = Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_.-]{0,63}$" });

interface Range {
  readonly min: number;
  readonly max: number;
}

/** The name that the entry states, else one made of the tensor's. Reports a name that requests use for something else. */
export function paramName({
  entry: { name },
  tensor,
  problem,
}: Pick<Binding<{ name?: string }>, "entry" | "tensor" | "problem">): string {
  if (name !== undefined && REQUEST_FIELDS.includes(name)) {
    problem("name", `is ${JSON.stringify(name)}, a field of every request: choose another one`);
  }
  return name ?? nameFrom(tensor.name);
}

/** The range of a parameter's values, 0 to 1 where neither the entry nor the file states it. Reports an empty one. */
export function paramRange(
  { entry, problem }: Pick<Binding<Partial<Range>>, "entry" | "problem">,
  stated: Partial<Range> = {},
): Range {
  const min = entry.min ?? stated.min ?? 0;
  const max = entry.max ?? stated.max ?? 1;
  if (min > max) problem("max", `is ${max} and min is ${min}: state both, the greater as max`);
  return { min, max };
}

function nameFrom(tensor: string): string {
  const valid = tensor.replaceAll(/[^A-Za-z0-9_.-]/g, "_").replace(/^(?=[^A-Za-z_])/, "_");
  return (REQUEST_FIELDS.includes(valid) ? `model_${valid}` : valid).slice(0, 64);
}
