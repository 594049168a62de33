/** A kind of program: what a worker thread opens and runs. `onnx-program.ts` is the one for a single graph. */
import type { RunItem } from "../../models/roles/role.ts";
import type { RunOutput } from "./calls.ts";

/** Keeps state by lane. Release it before its thread ends. */
export interface Program {
  /**
   * Runs items together; they must be alike in everything but what has a batch dimension. One output an item, in
   * order; null if it was abandoned. Throws `model_failed`, after which the program can be used again.
   */
  run(items: readonly RunItem[]): Promise<readonly RunOutput[] | null>;
  /** Several lanes may have a run in progress, each one; they take turns. `release` ends them. */
  readonly interleaves?: boolean;
  /** Ends the run of a lane that is in progress, if it still is after so long. */
  abandon?(lane: string, graceMs: number): void;
  /** True if the number of rows of an output depends on the picture, as in detectors: such programs run no batches. */
  readonly hasComputedSizes: boolean;
  /** Forgets the state of a lane. */
  forget(lane: string): void;
  /** After a run of a profiled session: the number of nodes by execution provider. */
  placements(): Promise<Readonly<Record<string, number>>>;
  release(): Promise<void>;
}
