/** Foresees the end of a stream's run, so that the next frame's picture is ready by then and as new as it can be. */
import { pause } from "../../streams/pause.ts";
import type { FrameInputs } from "./frame-inputs.ts";

/** A timer may fire that much too late, and the frame has to be handed over. */
const MARGIN_MS = 1;

export class RunPace {
  #runMs = 0;
  #convertMs = 0;

  /** A run with these inputs has just ended. */
  ended(inputs: FrameInputs): void {
    this.#runMs = performance.now() - inputs.givenAt;
    this.#convertMs = inputs.convertMs;
  }

  /**
   * Resolves when the next frame should be taken: one conversion before the run with these inputs ends, if it takes as
   * long as the last. Never if the run does without pictures.
   */
  async nearEnd(inputs: FrameInputs, signal: AbortSignal): Promise<void> {
    await inputs.given;
    await pause(Math.max(0, this.#runMs - this.#convertMs - MARGIN_MS), signal);
  }
}
