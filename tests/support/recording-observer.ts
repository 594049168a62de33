/** A pipeline observer that records all events. */
import type { Tick } from "../../src/engine/codec/video-frame.ts";
import type { PipelineObserver, StreamPart } from "../../src/engine/pipeline-observer.ts";
import type { DataReport } from "../../src/engine/protocol/messages.ts";
import type { Showing } from "../../src/engine/protocol/showing.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import type { PlainError } from "../../src/errors.ts";

export class RecordingObserver implements PipelineObserver {
  framesIn = 0;
  framesDropped = 0;
  framesSkipped = 0;
  framesInferred = 0;
  framesUnpublished = 0;
  framesProcessed = 0;
  framesFallback = 0;
  runsFailed = 0;
  /** What was shown, one after the other, as `output` or `output: reason`. */
  readonly shown: string[] = [];
  programs = 0;
  readonly applied: StreamParams[] = [];
  readonly refused: StreamParams[] = [];
  /** What models have said about frames. */
  readonly reports: Pick<DataReport, "seconds" | "model" | "values">[] = [];
  /** Errors, without recoveries. */
  readonly troubles: PlainError[] = [];
  /** Parts that have recovered. */
  readonly recovered: StreamPart[] = [];

  frameIn(): void {
    this.framesIn++;
  }
  frameDecoded(): void {}
  audioIn(): void {}
  frameDropped(): void {
    this.framesDropped++;
  }
  frameSkipped(): void {
    this.framesSkipped++;
  }
  frameInferred(): void {
    this.framesInferred++;
  }
  runFailed(): void {
    this.runsFailed++;
  }
  frameMade(by: "model" | "fallback"): void {
    if (by === "model") this.framesProcessed++;
    else this.framesFallback++;
  }
  showing({ output, reason }: Showing): void {
    const now = reason === undefined ? output : `${output}: ${reason}`;
    if (this.shown.at(-1) !== now) this.shown.push(now);
  }
  stageTook(): void {}
  waited(): void {}
  frameUnpublished(_frame?: Tick): void {
    this.framesUnpublished++;
  }
  audioOut(): void {}
  paramsApplied(params: StreamParams): void {
    this.applied.push(params);
  }
  paramsRefused(params: StreamParams): void {
    this.refused.push(params);
  }
  programChanged(): void {
    this.programs++;
  }
  modelReady(): void {}
  data(report: Pick<DataReport, "seconds" | "model" | "values">): void {
    this.reports.push(report);
  }
  trouble(part: StreamPart, error: PlainError | null): void {
    if (error) this.troubles.push(error);
    else this.recovered.push(part);
  }
}
