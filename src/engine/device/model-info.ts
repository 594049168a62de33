/** Describes a model that has not been loaded, for `GET /models`. */

import { paramsOf } from "../models/definition.ts";
import type { CatalogueEntry } from "../models/model-folder.ts";
import type { ModelInfo } from "../protocol/models.ts";

/** Everything but the device. The state is `cold`, or `failed` with what is wrong in the folder. */
export function describeModel(entry: CatalogueEntry): Omit<ModelInfo, "device"> {
  const { name, source } = entry;
  if (entry.state === "broken") {
    const none = { description: "", license: "", takes_video: true, needs_video: true };
    const nothing = { takes_prompts: false, params: [], presets: {}, data: [] };
    return { name, source, state: "failed", error: entry.error.message, ...none, ...nothing };
  }
  const { definition } = entry;
  return {
    name,
    source,
    description: definition.description,
    license: "",
    state: "cold",
    takes_video: definition.frame !== null,
    needs_video: definition.frame !== null,
    takes_prompts: definition.texts.length > 0,
    params: paramsOf(definition),
    presets: {},
    data: [],
  };
}
