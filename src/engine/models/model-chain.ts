/** Follows the models that feed a model (inputs with `from`): what the whole chain takes, and what is wrong with it. */
import type { ModelParam } from "../protocol/models.ts";
import type { ModelDefinition } from "./definition.ts";
import { upstreamPorts } from "./roles/upstream.ts";

/** A model and all those that feed it. */
export interface ModelChain {
  /** Each model once, those that feed others first; the model itself last. */
  readonly definitions: readonly ModelDefinition[];
  readonly params: readonly ModelParam[];
  readonly takesVideo: boolean;
  readonly needsVideo: boolean;
  readonly takesPrompts: boolean;
  /** Names of the outputs that the model itself reports as data. */
  readonly data: readonly string[];
}

/** The definition of a model that can be used; null for others. */
type Find = (name: string) => ModelDefinition | null;

/** Throws an error that says which input cannot be fed, or which parameter has two types. */
export function modelChain(model: ModelDefinition, find: Find): ModelChain {
  const definitions = ordered(model, find, []);
  const feeders = definitions.slice(0, -1).reverse();
  const params = [...model.params, ...feeders.flatMap(({ inputParams }) => inputParams)];
  const distinct = params.filter(
    ({ name }, at) => params.findIndex((one) => one.name === name) === at,
  );
  for (const { name, type } of distinct) {
    const other = params.find((one) => one.name === name && one.type !== type);
    if (other === undefined) continue;
    const models = definitions.map((each) => each.name).join(", ");
    throw new Error(
      `its parameter ${JSON.stringify(name)} is a ${type} in one of the models ${models} and a ${other.type} in another: ` +
        "set the name of one of them in model.json",
    );
  }
  return {
    definitions,
    params: distinct,
    takesVideo: definitions.some(({ video }) => video !== "none"),
    needsVideo: definitions.some(({ video }) => video === "required"),
    takesPrompts: definitions.some(({ inputs }) =>
      inputs.some(({ role }) => role === "text" || role === "prompts"),
    ),
    data: model.outputs.flatMap(({ role, tensor }) => (role === "data" ? [tensor] : [])),
  };
}

function ordered(model: ModelDefinition, find: Find, path: readonly string[]): ModelDefinition[] {
  const here = [...path, model.name];
  const before = upstreamPorts(model.inputs).flatMap(({ tensor, source }) => {
    const field = `model.json: inputs.${tensor}.from`;
    if (here.includes(source.model)) {
      throw new Error(
        `${field} leads back to the model itself: ${[...here, source.model].join(", ")}`,
      );
    }
    const feeding = find(source.model);
    if (feeding === null) {
      const name = JSON.stringify(source.model);
      throw new Error(`${field}.model is ${name}, which is not there or cannot be used`);
    }
    const output = feeding.outputs.find((port) => port.tensor === source.output);
    if (output?.role !== "data") {
      const names = feeding.outputs.flatMap((port) => (port.role === "data" ? [port.tensor] : []));
      const known = names.map((name) => JSON.stringify(name)).join(", ") || "none";
      const given = JSON.stringify(source.output);
      throw new Error(
        `${field}.output is ${given}; outputs of ${source.model} with role "data": ${known}`,
      );
    }
    return ordered(feeding, find, here);
  });
  return [...new Map([...before, model].map((each) => [each.name, each])).values()];
}
