/** Reads the presets of a `model.json`: named values of parameters. */
import type { ModelParam, ParamValue, ParamValues } from "../protocol/models.ts";

type Written = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * The presets with the weights of named entries as full lists; ranges are checked when a preset is used. Throws for a
 * parameter that the model does not have, and for weights by name of one that is no vector.
 */
export function presetsOf(
  presets: Written,
  params: readonly ModelParam[],
): Record<string, ParamValues> {
  return Object.fromEntries(
    Object.entries(presets).map(([preset, values]) => [
      preset,
      Object.fromEntries(
        Object.entries(values).map(([name, value]) => {
          const param = params.find((one) => one.name === name);
          if (param !== undefined) return [name, written(param, value, preset)];
          const known = params.map((one) => one.name).join(", ") || "none";
          throw new Error(
            `model.json: presets.${preset}.${name} is not a parameter of the model; its parameters: ${known}`,
          );
        }),
      ),
    ]),
  );
}

function written(param: ModelParam, value: unknown, preset: string): ParamValue {
  const isByName = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isByName) return value as ParamValue; // model.json's schema allows no others
  if (param.type !== "vector") {
    throw new Error(
      `model.json: presets.${preset}.${param.name} is an object; ${param.name} takes a ${param.type}`,
    );
  }
  const weights = value as Record<string, number>; // by model.json's schema
  for (const name of Object.keys(weights)) {
    if (param.entries.includes(name)) continue;
    const field = `model.json: presets.${preset}.${param.name}`;
    throw new Error(
      `${field} names the entry ${JSON.stringify(name)}, which ${param.name} does not have`,
    );
  }
  return param.entries.map((name) => (Object.hasOwn(weights, name) ? (weights[name] ?? 0) : 0));
}
