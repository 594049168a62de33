/** Foresees the end of a stream's run, so that the next frame waits for the device by then and is as new as it can be. */
import { pause } from "../../streams/pause.ts";
import { LEAD_MS } from "../device/job.ts";
import type { FrameInputs } from "./frame-inputs.ts";

/** The device takes its next job before the last has ended, and timers fire a little late. */
const MARGIN_MS = LEAD_MS + 2;
/** Runs and conversions vary by milliseconds: of this many, the shortest run and the longest conversion are expected. */
const REMEMBERED = 8;

export class RunPace {
  readonly #runMs: number[] = [];
  readonly #convertMs: number[] = [];

  /** Milliseconds from the beginning of a run until the next frame should be taken; 0 before the first has ended. */
  get untilNextMs(): number {
    if (this.#runMs.length === 0) return 0;
    return Math.max(0, Math.min(...this.#runMs) - Math.max(...this.#convertMs) - MARGIN_MS);
  }

  /** A run with these inputs has ended at `now`. */
  ended({ begunAt, convertMs }: Pick<FrameInputs, "begunAt" | "convertMs">, now: number): void {
    if (begunAt === null) return;
    remember(this.#runMs, now - begunAt);
    remember(this.#convertMs, convertMs);
  }

  /** Resolves when the frame after the one with these inputs should be taken. Never if no model runs for it. */
  async next({ begun }: FrameInputs, signal: AbortSignal): Promise<void> {
    await begun;
    const waitMs = this.untilNextMs;
    if (waitMs > 0) await pause(waitMs, signal); // short runs leave nothing to wait for
  }
}

function remember(values: number[], newest: number): void {
  values.push(newest);
  if (values.length > REMEMBERED) values.shift();
}
