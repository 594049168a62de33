/** Applies changed parameters before each frame of a stream, and decides how long the frame waits for its models. */
import { pause } from "../../streams/pause.ts";
import type { StreamParams } from "../protocol/work.ts";
import type { Bypass } from "./bypass.ts";
import type { PlanExecutor } from "./executor.ts";
import type { Finisher } from "./finisher.ts";
import type { OutputFrames } from "./output-frames.ts";
import type { Preparation } from "./preparation.ts";

export interface FrameGateOptions {
  readonly executor: Pick<PlanExecutor, "models">;
  readonly preparation: Pick<Preparation, "begin" | "settled">;
  readonly finisher: Pick<Finisher, "graceLeft">;
  readonly bypass: Pick<Bypass, "isStalled" | "onPause" | "paused" | "fallbackChanged">;
  readonly output: Pick<OutputFrames, "hasBegun" | "waitFor" | "paused">;
  /** Aborted when the stream is over. */
  readonly signal: AbortSignal;
}

export class FrameGate {
  readonly #options: FrameGateOptions;
  #waiting = false;
  /** Whether the stream was paused when it was looked at last. */
  #isPaused = false;
  #fallback: StreamParams["fallback"];

  constructor(options: FrameGateOptions) {
    this.#options = options;
  }

  /** True until the first frame has come out, and while `ready` is pending. */
  get isStarting(): boolean {
    return this.#waiting || !this.#options.output.hasBegun;
  }

  /** Begins to load what the parameters ask for, unless it has, and applies a pause and a new fallback; returns the parameters. */
  prepare(): StreamParams {
    const { preparation, bypass, output } = this.#options;
    const params = preparation.begin();
    if (!output.hasBegun) void output.waitFor(preparation.settled);
    if (params.paused !== this.#isPaused) {
      this.#isPaused = params.paused;
      output.paused(params.paused);
      if (params.paused) bypass.paused();
    }
    if (params.fallback !== this.#fallback) {
      this.#fallback = params.fallback;
      bypass.fallbackChanged();
    }
    return params;
  }

  /**
   * Prepares, and resolves when the next frame is wanted: a model runs, or none will (it
   * failed, or the stream is paused), or the load takes so long that something else should be shown.
   */
  async ready(): Promise<void> {
    const { executor, preparation, finisher, bypass } = this.#options;
    const params = this.prepare();
    if (executor.models.length > 0 || params.paused) return;
    const left = finisher.graceLeft(performance.now());
    if (left <= 0 || bypass.isStalled) return;
    this.#waiting = true;
    const enough = new AbortController();
    const signal = AbortSignal.any([this.#options.signal, enough.signal]);
    using _pause = bypass.onPause(() => enough.abort());
    // Timers may fire a little early, and then the grace would not be over.
    await Promise.race([preparation.settled, pause(left + 2, signal)]);
    enough.abort();
    this.#waiting = false;
  }
}
