/** Reads outputs before their values become pictures, from a run of the same model whose outputs are all data. */
import type { ModelDefinition } from "../../engine/models/definition.ts";
import type { PortEntry } from "../../engine/models/model-json.ts";
import type { HeatOutputPort } from "../../engine/models/roles/heat-output.ts";
import type { ImageOutputPort } from "../../engine/models/roles/image-output.ts";
import type { MaskOutputPort } from "../../engine/models/roles/mask-output.ts";
import { PICTURE_ROLES } from "../../engine/models/roles/output-roles.ts";
import type { Port } from "../../engine/models/roles/role.ts";
import type { Drawn } from "../../engine/plan/plan-result.ts";
import type { RawOutput } from "./findings.ts";
import { spreadOf } from "./spread.ts";

/** Entries of `model.json` by which the outputs that are pictures are given as numbers. */
export const asData = ({ outputs }: ModelDefinition): Record<string, PortEntry> =>
  Object.fromEntries(
    outputs.map(({ tensor, role }) => [
      tensor,
      { role: PICTURE_ROLES.includes(role) ? "data" : role },
    ]),
  );

/** The outputs of `definition`, with the numbers that its variant gave for them. */
export const rawOutputs = ({ outputs }: ModelDefinition, data: Drawn["data"]): RawOutput[] =>
  outputs.flatMap((port) => {
    const tensor = data[port.tensor];
    if (tensor === undefined) return [];
    const { tensor: name, role } = port;
    const { values, ...meaning } = meaningOf(port, tensor.data);
    const beyond = meaning.range === null ? 0 : shareBeyond(values, meaning.range);
    return [{ tensor: name, role, ...meaning, spread: spreadOf(values), beyond }];
  });

type Values = ArrayLike<number | bigint>;

interface Meaning extends Pick<RawOutput, "range" | "activation"> {
  /** In the values of the range. */
  readonly values: Values;
}

function meaningOf(port: Port, values: Values): Meaning {
  switch (port.role) {
    case "image": {
      const { format } = port as ImageOutputPort; // the role tells the port's kind
      return { range: format.range, values: unscaled(values, format) };
    }
    case "mask":
    case "heat": {
      const { range, activation } = port as MaskOutputPort | HeatOutputPort; // as above
      return { range, activation, values };
    }
    default:
      return { range: null, values };
  }
}

/** Tensors hold `(value − mean) / std`, and those of int8 that `/ scale + zero point`. */
function unscaled(
  values: Values,
  { dtype, mean, std, scale, zeroPoint }: ImageOutputPort["format"],
): Values {
  const average = (list: readonly number[]): number =>
    list.reduce((sum, each) => sum + each, 0) / list.length;
  const [factor, offset] = [average(std), average(mean)];
  if (dtype !== "int8" && factor === 1 && offset === 0) return values;
  return Float32Array.from({ length: values.length }, (_, at) => {
    const sample = Number(values[at]);
    return (dtype === "int8" ? (sample - zeroPoint) * scale : sample) * factor + offset;
  });
}

/** Rounding, and what a network overshoots, are not beyond. */
const TOLERANCE = 0.05;

function shareBeyond(values: Values, [one, other]: readonly [number, number]): number {
  const slack = TOLERANCE * Math.abs(other - one);
  const [least, most] = [Math.min(one, other) - slack, Math.max(one, other) + slack];
  let count = 0;
  for (let at = 0; at < values.length; at++) {
    const value = Number(values[at]);
    if (value < least || value > most) count++;
  }
  return count / values.length;
}
