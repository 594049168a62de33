/** Asks an engine whether the model or the ComfyUI graphs of a request can run, before anything starts or changes. */
import { Type } from "@sinclair/typebox";
import type { Question } from "../../engine/protocol/messages.ts";
import { DEFAULT_SIZE } from "../../engine/protocol/work.ts";
import { WorkerError } from "../../errors.ts";
import { FieldProblem } from "../../field-problem.ts";
import { check } from "../../schema-check.ts";
import type { EngineScheduler } from "../engines/scheduler.ts";
import type { Resolved } from "./params.ts";
import type { Stream } from "./stream.ts";

const Problems = Type.Array(FieldProblem);

/**
 * Throws `invalid_request` with the reason why it cannot run, and `unknown_model`; returns the problems of graph parts that
 * are not run. A start checks its model, whose files may have changed since it was listed. A running stream keeps what it
 * has, so an update checks a model only if it is listed as failed: its files may have been repaired. If no engine answers,
 * the check is left to the engine that gets the stream.
 *
 * @param stream whose engine is asked; null: any, for one that does not run yet
 */
export async function checkProgram(
  { params: { graphs, size = DEFAULT_SIZE }, model }: Pick<Resolved, "params" | "model">,
  { hasInput, stream }: { readonly hasInput: boolean; readonly stream: Stream | null },
  scheduler: Pick<EngineScheduler, "ask">,
): Promise<readonly FieldProblem[]> {
  if (graphs !== undefined) {
    const use = { kind: "stream", hasInput } as const;
    return await problemsFound({ kind: "graphs", graphs, use, size }, stream, scheduler);
  }
  if (stream !== null && model.state !== "failed") return [];
  return await problemsFound({ kind: "model", model: model.name }, stream, scheduler);
}

/** An engine's answer to a question; none where no engine answers just now. Rejects with what the engine refuses. */
export async function problemsFound(
  question: Question,
  stream: Stream | null,
  scheduler: Pick<EngineScheduler, "ask">,
): Promise<readonly FieldProblem[]> {
  try {
    const answer = await scheduler.ask(question, stream);
    if (check(Problems).Check(answer)) return answer as readonly FieldProblem[]; // it has just proven it
    throw new WorkerError("internal", "an engine's answer is not a list of problems");
  } catch (error) {
    if (!(error instanceof WorkerError) || error.kind !== "engine_unavailable") throw error;
    return [];
  }
}
