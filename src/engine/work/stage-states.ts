/** Remembers of each stage of one stream how much it has done, and when it was done last. Recording allocates nothing. */
import type { PipelineDebug } from "../protocol/debug.ts";
import { STAGES, type StageName, WAITS, type WaitName } from "../protocol/metrics.ts";

export class StageStates {
  readonly #stages = STAGES.map(() => ({ frames: 0, lastMs: 0, doneAt: 0 }));
  readonly #waits = new Float64Array(WAITS.length).fill(Number.NaN);

  stageTook(stage: StageName, ms: number): void {
    const state = this.#stages[STAGES.indexOf(stage)];
    if (state === undefined) return;
    state.frames++;
    state.lastMs = ms;
    state.doneAt = performance.now();
  }

  waited(wait: WaitName, ms: number): void {
    this.#waits[WAITS.indexOf(wait)] = ms;
  }

  get debug(): Pick<PipelineDebug, "stages" | "waits_ms"> {
    const now = performance.now();
    const stages = this.#stages.map(({ frames, lastMs, doneAt }, at) => {
      const [last_ms, idle_ms] =
        frames === 0 ? [null, null] : [rounded(lastMs), rounded(now - doneAt)];
      return [STAGES[at], { frames, last_ms, idle_ms }] as const;
    });
    const waits = WAITS.map((wait, at) => {
      const ms = this.#waits[at] ?? Number.NaN;
      return [wait, Number.isNaN(ms) ? null : rounded(ms)] as const;
    });
    return { stages: Object.fromEntries(stages), waits_ms: Object.fromEntries(waits) };
  }
}

const rounded = (ms: number): number => Math.round(ms * 10) / 10;
