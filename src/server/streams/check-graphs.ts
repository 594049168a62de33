/** Asks an engine whether the ComfyUI graphs of a request can run, before anything starts or changes. */
import { DEFAULT_SIZE, type StreamParams } from "../../engine/protocol/work.ts";
import { WorkerError } from "../../errors.ts";
import type { EngineScheduler } from "../engines/scheduler.ts";
import type { Stream } from "./stream.ts";

/**
 * Throws `invalid_request` with what is wrong with them. Where no engine answers just now, the one that gets the stream
 * says it.
 *
 * @param stream whose engine is asked; null: any, for one that does not run yet
 */
export async function checkGraphs(
  { graphs, size = DEFAULT_SIZE }: Pick<StreamParams, "graphs" | "size">,
  { hasInput, stream }: { readonly hasInput: boolean; readonly stream: Stream | null },
  scheduler: Pick<EngineScheduler, "ask">,
): Promise<void> {
  if (graphs === undefined) return;
  try {
    const use = { kind: "stream", hasInput } as const;
    await scheduler.ask({ kind: "graphs", graphs, use, size }, stream);
  } catch (error) {
    if (!(error instanceof WorkerError) || error.kind !== "engine_unavailable") throw error;
  }
}
