/** Computes what a model needs for one run: the values of its ports, by their roles. */
import type { Picture } from "../../media/picture.ts";
import { defaultControls } from "../prompts/controls.ts";
import { DEFAULT_SIZE, type Size } from "../protocol/work.ts";
import { ROLES, type RoleTables } from "./define-model.ts";
import { inputSize, type ModelDefinition } from "./definition.ts";
import { plain } from "./roles/frame.ts";
import type { Moment, PortValue, RunItem } from "./roles/role.ts";

export type RunValues = Readonly<Record<string, PortValue>>;

/** By tensor name. Ports that the worker feeds by itself have none. */
export function valuesOf(
  { inputs, outputs }: Pick<ModelDefinition, "inputs" | "outputs">,
  moment: Moment,
  roles: RoleTables = ROLES,
): RunValues {
  const values: Record<string, PortValue> = {};
  for (const port of inputs) {
    const value = roles.inputs[port.role]?.value?.(port, moment);
    if (value !== undefined) values[port.tensor] = value;
  }
  for (const port of outputs) {
    const value = roles.outputs[port.role]?.value?.(port, moment);
    if (value !== undefined) values[port.tensor] = value;
  }
  return values;
}

/** A run with a grey picture and all parameters at their defaults, at about this size, to warm a model up. */
export function sampleItem(definition: ModelDefinition, about: Size = DEFAULT_SIZE): RunItem {
  const size = inputSize(definition, about);
  const moment: Moment = {
    params: {},
    timeSeconds: 0,
    size,
    outputSize: about,
    sum: () => 0,
    text: () => defaultControls(),
    upstream: () => null,
    picture: () => null,
  };
  const takesVideo = definition.video !== "none";
  return {
    lane: "",
    picture: takesVideo ? plain(size, 128) : null,
    original: takesVideo ? plain(about, 128) : null,
    size,
    values: valuesOf(definition, moment),
  };
}

/** True if a run with `a` gives what one with `b` gave, for models that keep no state. */
export function sameValues(a: RunValues, b: RunValues): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => {
      const [one, other] = [a[name], b[name]];
      if (one === other) return true;
      if (typeof one !== "object" || typeof other !== "object") return false;
      if ("width" in one || "width" in other) return false; // decoded pictures are kept: the same one is identical
      return Bun.deepEquals(one, other);
    })
  );
}

/** True if two pictures are equal byte by byte. */
export const samePicture = (a: Picture, b: Picture): boolean =>
  a.width === b.width && a.height === b.height && Buffer.compare(a.data, b.data) === 0;
