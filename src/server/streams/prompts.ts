/** Reads the prompts of a request: their forms, their total size, and graphs that are not prompts. */
import type { ModelInfo } from "../../engine/protocol/models.ts";
import type { Prompt, StreamParams } from "../../engine/protocol/work.ts";
import { fieldsError } from "../field-errors.ts";
import { holdsGraph } from "./comfyui-graph.ts";
import { MAX_PROMPT_BYTES, type UpdateFields } from "./fields.ts";

/** Throws for a ComfyUI graph, which is not supported yet. */
export function rejectGraphs(fields: unknown): void {
  if (typeof fields !== "object" || fields === null) return;
  for (const field of ["prompts", "prompt"]) {
    if (!holdsGraph(Reflect.get(fields, field))) continue;
    const problem = "holds a ComfyUI graph, which this version does not run: send texts";
    throw fieldsError([{ field, problem }]);
  }
}

/** Throws `invalid_request` where there is no prompt for a model that takes prompts. */
export function assertPrompted({ prompts }: StreamParams, model: ModelInfo): void {
  if (prompts.length > 0 || !model.takes_prompts) return;
  const problem = `is required by model ${model.name}: send a text, or choose a model that takes no prompts`;
  throw fieldsError([{ field: "prompts", problem }]);
}

/** Prompts as objects with their own members and no others. */
function asPrompts(prompts: NonNullable<UpdateFields["prompts"]>): Prompt[] {
  return [prompts].flat().map((one) => {
    if (typeof one === "string") return { prompt: one };
    const { prompt, negative_prompt, weight } = one;
    return {
      prompt,
      ...(negative_prompt === undefined ? {} : { negative_prompt }),
      ...(weight === undefined ? {} : { weight }),
    };
  });
}

/** The given prompts; null where they are reset, undefined where they are absent. Throws `invalid_request`. */
export function givenPrompts(given: UpdateFields): Prompt[] | null | undefined {
  const field = given.prompts === undefined ? "prompt" : "prompts";
  const value = given[field];
  if (value == null) return value;
  const prompts = asPrompts(value);
  const bytes = prompts.reduce(
    (sum, { prompt, negative_prompt = "" }) =>
      sum + Buffer.byteLength(prompt) + Buffer.byteLength(negative_prompt),
    0,
  );
  if (bytes <= MAX_PROMPT_BYTES) return prompts;
  const problem = `must be at most ${MAX_PROMPT_BYTES} bytes of UTF-8 in all, got ${bytes}`;
  throw fieldsError([{ field, problem }]);
}
