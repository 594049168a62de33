/** Runs a stream's models on one frame after the other, reports what they take and say, and predicts when the next frame should be taken. */
import { secondsFromTicks } from "../../media/time.ts";
import type { PipelineObserver } from "../pipeline-observer.ts";
import type { DataReport } from "../protocol/messages.ts";
import { dataReport } from "./data-values.ts";
import type { PlanExecutor } from "./executor.ts";
import type { Inferred } from "./finisher.ts";
import type { FrameInputs } from "./frame-inputs.ts";
import type { PlanJob, PlanResult } from "./plan-result.ts";
import { RunPace } from "./run-pace.ts";
import { TextReports } from "./text-reports.ts";

export interface FrameRunsOptions {
  readonly executor: Pick<PlanExecutor, "models" | "run">;
  readonly observer: Pick<PipelineObserver, "frameInferred" | "waited" | "data">;
  /** Aborted when the stream is over. */
  readonly signal: AbortSignal;
}

export class FrameRuns {
  readonly #options: FrameRunsOptions;
  readonly #pace = new RunPace();
  readonly #texts = new TextReports();

  constructor(options: FrameRunsOptions) {
    this.#options = options;
  }

  /** What the models make of a frame that was taken at `takenAt` (`performance.now()`); null where none runs. */
  async run(job: PlanJob, inputs: FrameInputs, takenAt: number): Promise<Inferred | null> {
    const { executor, observer } = this.#options;
    await inputs.settled();
    if (executor.models.length === 0 || job.params.paused) return null;
    const result = await executor.run(job, inputs);
    if (result.inferenceMs > 0) {
      observer.frameInferred(result.inferenceMs, job.params.model);
      if (inputs.begunAt !== null) observer.waited("device", inputs.begunAt - takenAt);
      this.#pace.ended(inputs, performance.now());
    }
    return { ...result, values: this.#reportData(job, result) };
  }

  /** Resolves when the frame after the one with these inputs should be taken. Never if no model runs for it. */
  next(inputs: FrameInputs): Promise<void> {
    return this.#pace.next(inputs, this.#options.signal);
  }

  #reportData({ pts }: PlanJob, result: PlanResult): DataReport["values"] | null {
    const { executor, observer } = this.#options;
    const model = executor.models.at(-1);
    if (model === undefined) return null;
    const seconds = secondsFromTicks(pts);
    const texts = this.#texts.due(result.texts ?? {}, seconds);
    const values = dataReport(model.definition, { data: result.data, texts });
    if (values === null) return null;
    observer.data({ seconds, model: model.definition.name, values });
    return values;
  }
}
