/** Describes models as an engine would, for tests without one. */
import type { ModelInfo } from "../../src/engine/protocol/models.ts";

/** A model that is loaded and takes video and prompts; `given` replaces members. */
export const model = (name: string, given: Partial<ModelInfo> = {}): ModelInfo => ({
  name,
  description: "",
  source: "built-in",
  state: "ready",
  license: "",
  takes_video: true,
  needs_video: true,
  takes_prompts: true,
  device: "cpu",
  params: [],
  presets: {},
  data: [],
  ...given,
});
