/** Asks an engine whether the ComfyUI graphs of a request can run, before anything starts or changes. */
import type { StreamParams } from "../../engine/protocol/work.ts";
import { WorkerError } from "../../errors.ts";
import type { EngineScheduler } from "../engines/scheduler.ts";

/**
 * Throws `invalid_request` with what is wrong with them. Where no engine answers just now, the one that gets the stream
 * says it.
 */
export async function checkGraphs(
  { graphs }: Pick<StreamParams, "graphs">,
  hasInput: boolean,
  scheduler: Pick<EngineScheduler, "ask">,
): Promise<void> {
  if (graphs === undefined) return;
  try {
    await scheduler.ask({ kind: "graphs", graphs, use: { kind: "stream", hasInput } });
  } catch (error) {
    if (!(error instanceof WorkerError) || error.kind !== "engine_unavailable") throw error;
  }
}
