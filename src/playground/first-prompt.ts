/** Fills an empty form with a first prompt, or a first graph. */
import type { Draft } from "./draft.ts";
import { firstGraph } from "./graph/examples.ts";
import { isGraphModel } from "./graph/graph-model.ts";
import type { VideoSource } from "./model-choice.ts";
import { areEmpty, promptsOf } from "./prompts.ts";

export const FIRST_PROMPT = "a beautiful landscape at sunrise";

export function withFirstPrompt(
  { model, graph, prompts }: Draft,
  source: VideoSource,
): Partial<Draft> {
  if (isGraphModel(model)) return graph.trim() === "" ? { graph: firstGraph(source) } : {};
  return areEmpty(prompts) ? { prompts: promptsOf(FIRST_PROMPT) } : {};
}
