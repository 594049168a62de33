/** Checks ComfyUI graphs for a stream before it starts or changes: validates them, and runs them once. */
import type { FieldProblem } from "../../field-problem.ts";
import type { ModelHost } from "../device/model-host.ts";
import { GraphModels } from "../models/graph-models.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { GraphUse, Size } from "../protocol/work.ts";
import { tryGraphs } from "./graph-trial.ts";

/** The caller waits this long at most; a graph that takes longer is tried again by its stream. */
const TRIAL_MS = 2500;

export interface AskedGraphs {
  readonly graphs: readonly string[];
  readonly use: GraphUse;
  /** Of the stream. */
  readonly size: Size;
}

/**
 * Throws what is wrong with the graphs, with the node's name; returns what is wrong with parts that do not run. Graphs
 * that a ComfyUI of the operator's runs are not tried.
 */
export async function judgeGraphs(
  { graphs, use, size }: AskedGraphs,
  host: Pick<ModelHost, "planGraphs" | "acquire">,
  calls: NativeCalls,
): Promise<readonly FieldProblem[]> {
  const { model: name, warnings } = await host.planGraphs(graphs, use);
  if (!GraphModels.owns(name)) return warnings;
  const signal = AbortSignal.timeout(TRIAL_MS);
  try {
    const model = await host.acquire(name, signal);
    await tryGraphs(
      model,
      graphs,
      { size },
      { key: "asked", calls, signal, hasInput: use.hasInput },
    );
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return warnings;
}
