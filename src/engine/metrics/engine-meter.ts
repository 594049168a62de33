/** Adds up what all streams of this engine do, for the server's `GET /metrics`. */
import type { AnswerCounts } from "../../trickle/client/answer-counts.ts";
import {
  DROP_CAUSES,
  type DropCause,
  type Durations,
  type EngineMetrics,
  type ModelLoad,
  STAGES,
  type StageName,
  WAITS,
  type WaitName,
} from "../protocol/metrics.ts";
import { DurationCounts } from "./duration-counts.ts";

/** The load of a model has ended, after `ms`. All graphs count as one model. */
export interface LoadEnd extends Pick<ModelLoad, "model" | "outcome"> {
  readonly ms: number;
}

/** Counting a frame allocates nothing; `take` is called once a second. */
export class EngineMeter {
  framesIn = 0;
  framesOut = 0;
  framesSkipped = 0;
  segmentsOut = 0;
  bytesOut = 0;
  readonly latency = new DurationCounts();
  readonly stages = table(STAGES, () => new DurationCounts());
  readonly waits = table(WAITS, () => new DurationCounts());
  readonly #dropped = table(DROP_CAUSES, () => 0);
  /** By model; models that no stream asks for any more stay: there are as many as in the workspace. */
  readonly #inference = new Map<string, DurationCounts>();
  #loads: ModelLoad[] = [];

  frameDropped(cause: DropCause): void {
    this.#dropped[cause]++;
  }

  stageTook(stage: StageName, ms: number): void {
    this.stages[stage].record(ms);
  }

  waited(wait: WaitName, ms: number): void {
    this.waits[wait].record(ms);
  }

  /** A frame was on the device for this long. */
  inferred(model: string, ms: number): void {
    this.stages.inference.record(ms);
    let counts = this.#inference.get(model);
    if (counts === undefined) {
      counts = new DurationCounts();
      this.#inference.set(model, counts);
    }
    counts.record(ms);
  }

  modelLoaded({ model, outcome, ms }: LoadEnd): void {
    const counts = new DurationCounts();
    counts.record(ms);
    const durations = counts.take();
    if (durations !== null) this.#loads.push({ model, outcome, durations });
  }

  /** Everything since the last call, and the present values of what is not counted here. */
  take(
    answers: AnswerCounts,
    now: Pick<EngineMetrics, "resident_bytes" | "model_bytes">,
  ): EngineMetrics {
    const { framesIn, framesOut, framesSkipped, segmentsOut, bytesOut } = this;
    this.framesIn = this.framesOut = this.framesSkipped = this.segmentsOut = this.bytesOut = 0;
    const dropped = DROP_CAUSES.flatMap((cause) => {
      const count = this.#dropped[cause];
      this.#dropped[cause] = 0;
      return count === 0 ? [] : [[cause, count] as const];
    });
    const loads = this.#loads;
    this.#loads = [];
    const latency = this.latency.take();
    return {
      frames_in: framesIn,
      frames_out: framesOut,
      frames_skipped: framesSkipped,
      segments_out: segmentsOut,
      bytes_out: bytesOut,
      frames_dropped: Object.fromEntries(dropped),
      stages: taken(Object.entries(this.stages)),
      waits: taken(Object.entries(this.waits)),
      ...(latency && { latency }),
      inference: taken(this.#inference),
      loads,
      trickle: answers.take(),
      ...now,
    };
  }
}

function table<K extends string, V>(keys: readonly K[], make: (key: K) => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<K, V>; // all keys are there
}

/** Those in which anything was recorded. */
const taken = (all: Iterable<readonly [string, DurationCounts]>): Record<string, Durations> =>
  Object.fromEntries(
    [...all].flatMap(([name, counts]) => {
      const durations = counts.take();
      return durations === null ? [] : [[name, durations] as const];
    }),
  );
