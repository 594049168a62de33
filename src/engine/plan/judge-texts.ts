/** Checks the texts of a stream before it starts or changes: what a diffusion pipeline cannot encode, and what it leaves out. */
import { WorkerError } from "../../errors.ts";
import type { FieldProblem } from "../../field-problem.ts";
import { shown } from "../../shown-value.ts";
import { SAMPLING_RULES, type SamplingRules } from "../diffusion/sampling-rules.ts";
import { leastTokens, USUAL_LENGTH } from "../diffusion/text/clip-tokenizer.ts";
import { parsePromptWeights, weightProblem } from "../diffusion/text/prompt-weights.ts";
import type { ModelCatalogue } from "../models/catalogue.ts";
import type { ModelDefinition } from "../models/definition.ts";
import { chosenEntry, type VectorPort } from "../models/roles/vector.ts";
import type { ParamValues } from "../protocol/models.ts";
import type { Prompt } from "../protocol/work.ts";

export interface AskedTexts {
  readonly model: string;
  readonly prompts: readonly Prompt[];
  readonly model_params: ParamValues;
}

/**
 * Throws `invalid_request` for weights that are not finite; returns what is left out of texts that are too long. Models
 * that read texts in another way have no such limits.
 */
export function judgeTexts(
  { model, prompts, model_params }: AskedTexts,
  catalogue: Pick<ModelCatalogue, "definitionOf">,
): readonly FieldProblem[] {
  const definition = catalogue.definitionOf(model);
  if (!definition?.inputs.some(({ role }) => role === "prompts")) return [];
  const texts = prompts.flatMap(({ prompt, negative_prompt = "" }) => [prompt, negative_prompt]);
  const problems = (of: (text: string) => string | null): FieldProblem[] =>
    texts.flatMap((text) => {
      const problem = of(text);
      return problem === null ? [] : [{ field: "prompts", problem }];
    });
  if (rulesOf(definition, model_params) === "diffusers") return problems(cutText);
  const details = problems(unusableWeight);
  if (details.length === 0) return [];
  const message = details.map(({ field, problem }) => `${field} ${problem}`).join("; ");
  throw new WorkerError("invalid_request", message, { details });
}

function rulesOf({ inputs }: ModelDefinition, params: ParamValues): SamplingRules {
  const port = inputs.find(({ tensor, role }) => tensor === "rules" && role === "vector");
  const value = params["rules"] ?? (port as VectorPort | undefined)?.param.default;
  return SAMPLING_RULES[Array.isArray(value) ? chosenEntry(value) : 0] ?? "ComfyUI";
}

function unusableWeight(text: string): string | null {
  for (const { text: words, weight } of parsePromptWeights(text)) {
    const problem = weightProblem(weight);
    if (problem !== null) return `gives ${shown(words)} ${problem}`;
  }
  return null;
}

function cutText(text: string): string | null {
  const [tokens, most] = [leastTokens(text), USUAL_LENGTH - 2];
  if (tokens <= most) return null;
  return `has ${tokens} words and signs or more, of which diffusers' rules read ${most}: shorten it, or choose ComfyUI's rules`;
}
