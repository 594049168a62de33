/** Asks an engine whether the model of a request can draw by its texts, before anything starts or changes. */
import type { StreamParams } from "../../engine/protocol/work.ts";
import type { FieldProblem } from "../../field-problem.ts";
import type { EngineScheduler } from "../engines/scheduler.ts";
import { problemsFound } from "./check-program.ts";
import type { Stream } from "./stream.ts";

/** Texts of fewer characters fit any text encoder. */
const SHORT = 75;

/**
 * Throws `invalid_request` for weights that are not finite; returns what is left out of long texts. Short ones without
 * parentheses need no engine. Where none answers just now, the stream's own refuses them.
 *
 * @param stream whose engine is asked; null: any, for one that does not run yet
 */
export async function checkTexts(
  { prompts, model, model_params }: StreamParams,
  stream: Stream | null,
  scheduler: Pick<EngineScheduler, "ask">,
): Promise<readonly FieldProblem[]> {
  const isPlain = (text: string): boolean => text.length <= SHORT && !text.includes("(");
  const texts = prompts.flatMap(({ prompt, negative_prompt = "" }) => [prompt, negative_prompt]);
  if (texts.every(isPlain)) return [];
  return await problemsFound({ kind: "texts", model, prompts, model_params }, stream, scheduler);
}
