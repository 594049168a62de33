/** The work of engines as the server sees it: streams and pictures, which start, report and end in the same way. */
import type { WorkReport } from "../../engine/protocol/messages.ts";
import type { WorkOrder } from "../../engine/protocol/work.ts";

export interface Work {
  /** Unique among live work. A credential: never logged. */
  readonly id: string;
  /** What an engine is to do, as of now: a replacement engine starts with this. */
  order(): WorkOrder;
  /** `ended` is the last report and always comes, whatever becomes of the engine. */
  receive(report: WorkReport): void;
  /** Its engine died, and another one is about to take it up. */
  interrupted(): void;
}
