/** What streams and pictures have in common in an engine. */
import type { WorkReport } from "../protocol/messages.ts";
import type { ParamsUpdate } from "../protocol/params-update.ts";
import type { StreamStats } from "../protocol/stats.ts";

export interface EngineWork {
  readonly id: string;
  /** Native frames that are not freed. */
  readonly frames: number;
  /** Figures to be reported every second; null where there are none. */
  stats(): StreamStats | null;
  /** From the next frame on. */
  update(update: ParamsUpdate & { readonly revision: number }): void;
  /**
   * Asks the work to end: `ended` is reported within seconds. A native call that cannot be interrupted finishes in the
   * background; `run` waits for it.
   */
  stop(): void;
  /** Does the work and reports its end. Settles when all that it held is released. Never rejects. */
  run(): Promise<void>;
}

/** Sends a report to the server. */
export type Send = (report: WorkReport) => void;
