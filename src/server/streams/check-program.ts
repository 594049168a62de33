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
 * Throws `invalid_request` with why it cannot run, and `unknown_model`; returns what is wrong with parts of graphs that do
 * not. A start asks about its model, whose files may have changed since it was listed; a running stream, which goes on with
 * what it has, only about one that is listed as failed, whose files may have been repaired. Where no engine answers just
 * now, the one that gets the stream says it.
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
    throw new WorkerError("internal", "an engine answered with something else than problems");
  } catch (error) {
    if (!(error instanceof WorkerError) || error.kind !== "engine_unavailable") throw error;
    return [];
  }
}
