/** The work of engines as the server sees it: streams and pictures, which start, report and end in the same way. */
import type { WorkReport } from "../../engine/protocol/messages.ts";
import type { WorkOrder } from "../../engine/protocol/work.ts";
import type { PlainError } from "../../errors.ts";

/** An engine as logs name it. */
export interface EngineName {
  readonly device: string;
  /** Null if its process never started. */
  readonly pid: number | null;
}

export interface Work {
  /** Unique among live work. A credential: never logged. */
  readonly id: string;
  /** What an engine is to do, as of now: a replacement engine starts with this. */
  order(): WorkOrder;
  /** This engine is about to get the order. */
  handedTo(engine: EngineName): void;
  /** `ended` is the last report: the engine has released everything. Either it or `lost` always comes. */
  receive(report: WorkReport): void;
  /** It is over, and no engine is left to release what one had opened for it; with `error` it has failed. */
  lost(error?: PlainError): void;
  /**
   * Its engine died, of what `why` says, and another one is about to take it up. `hungRuns`: how many of its runs of a model
   * had missed their deadlines.
   */
  interrupted(why: string, hungRuns?: number): void;
}
