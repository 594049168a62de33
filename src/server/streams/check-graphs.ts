/** Asks an engine whether the ComfyUI graphs of a request can run, before anything starts or changes. */
import type { StreamParams } from "../../engine/protocol/work.ts";
import type { EngineScheduler } from "../engines/scheduler.ts";

/** Throws `invalid_request` with what is wrong with them, and `engine_unavailable` where no engine answers. */
export async function checkGraphs(
  { graphs }: Pick<StreamParams, "graphs">,
  hasInput: boolean,
  scheduler: Pick<EngineScheduler, "ask">,
): Promise<void> {
  if (graphs === undefined) return;
  await scheduler.ask({ kind: "graphs", graphs, use: { kind: "stream", hasInput } });
}
