/** Describes a model that has not been loaded, for `GET /models`. */
import { reason } from "../../errors.ts";
import type { BrokenModel, UsableModel } from "../models/catalogue-entry.ts";
import type { ModelDefinition } from "../models/definition.ts";
import { modelChain } from "../models/model-chain.ts";
import { presetsOf } from "../models/presets.ts";
import type { ModelInfo } from "../protocol/models.ts";

const NOTHING = {
  description: "",
  license: "",
  takes_video: true,
  needs_video: true,
  takes_prompts: false,
  params: [],
  presets: {},
  data: [],
};

/**
 * Everything but the device. The state is `cold`, or `failed` with what is wrong in the folder.
 *
 * @param find the definition of another model that can be used; null for others
 */
export function describeModel(
  entry: UsableModel | BrokenModel,
  find: (name: string) => ModelDefinition | null,
): Omit<ModelInfo, "device"> {
  const { name, source } = entry;
  if (entry.state === "broken") {
    return { name, source, state: "failed", error: entry.error.message, ...NOTHING };
  }
  const { description, license, homepage, presets } = entry.definition;
  const common = { name, source, description, license, ...(homepage !== "" && { homepage }) };
  try {
    const chain = modelChain(entry.definition, find);
    return {
      ...common,
      state: "cold",
      takes_video: chain.takesVideo,
      needs_video: chain.needsVideo,
      takes_prompts: chain.takesPrompts,
      params: [...chain.params],
      presets: presetsOf(presets, chain.params),
      data: [...chain.data],
    };
  } catch (error) {
    const message = `model ${name} cannot be used: ${reason(error)}`;
    return { ...NOTHING, ...common, state: "failed", error: message };
  }
}
