/** Computes what a model needs for one run: the values of its ports, by their roles. */
import type { Picture } from "../../media/picture.ts";
import { defaultControls } from "../prompts/controls.ts";
import { DEFAULT_SIZE, type Size } from "../protocol/work.ts";
import { ROLES, type RoleTables } from "./define-model.ts";
import { inputSize, type ModelDefinition } from "./definition.ts";
import { plain } from "./roles/frame.ts";
import type { Moment, PortValue, RunItem, StillPicture } from "./roles/role.ts";
import { SEED } from "./roles/seed.ts";

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

/** The ComfyUI graphs that a run draws with; null for a run without graphs. */
export function graphsIn(values: RunValues): readonly string[] | null {
  const value = values["prompts"];
  const hasGraphs = typeof value === "object" && "graphs" in value && value.graphs.length > 0;
  return hasGraphs ? value.graphs : null;
}

/**
 * A run with all parameters at their defaults, at about this size, to try a model with. `kind`: its picture is grey, or
 * has a pattern and noise of another seed.
 */
export function sampleItem(
  definition: ModelDefinition,
  about: Size = DEFAULT_SIZE,
  kind: "plain" | "patterned" = "plain",
): RunItem {
  const size = inputSize(definition, about);
  const picture = kind === "plain" ? (of: Size) => plain(of, 128) : patterned;
  const moment: Moment = {
    params: kind === "plain" ? {} : { [SEED.name]: 1 },
    timeSeconds: 0,
    size,
    outputSize: about,
    sum: () => 0,
    prompts: [],
    graphs: [],
    text: () => defaultControls(),
    upstream: () => null,
    picture: () => null,
  };
  const takesVideo = definition.video !== "none";
  return {
    lane: "",
    picture: takesVideo ? picture(size) : null,
    original: takesVideo ? picture(about) : null,
    size,
    values: valuesOf(definition, moment),
  };
}

/** Brightness rises and falls along rows. */
const patterned = (size: Size): Picture => {
  const { data, ...rest } = plain(size, 0);
  return { ...rest, data: data.map((_, at) => Math.abs(((at * 3) & 511) - 255)) };
};

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
export const samePicture = (a: StillPicture, b: StillPicture): boolean =>
  a.width === b.width && a.height === b.height && Buffer.compare(a.data, b.data) === 0;
