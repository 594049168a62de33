/** Adds up what engines report, so that no total falls when an engine is replaced. */
import { Counter, type Registry } from "prom-client";
import {
  DROP_CAUSES,
  type EngineMetrics,
  LOAD_OUTCOMES,
  STAGES,
  WAITS,
} from "../../engine/protocol/metrics.ts";
import type { AnswerCount } from "../../trickle/client/answer-counts.ts";
import { DEATH_CAUSES, type DeathCause } from "../engines/work-death.ts";
import { HistogramTotals } from "./histogram-totals.ts";

export class EngineCounters {
  readonly #registers: Registry[];
  readonly #framesIn;
  readonly #framesOut;
  readonly #framesSkipped;
  readonly #framesDropped;
  readonly #segmentsOut;
  readonly #bytesOut;
  readonly #stages;
  readonly #waits;
  readonly #latency;
  readonly #inference;
  readonly #loads;
  readonly #loadTimes;
  readonly #trickle;
  readonly #deaths;
  readonly #devices = new Set<string>();

  constructor(registry: Registry) {
    this.#registers = [registry];
    this.#framesIn = this.#counter(
      "frames_received_total",
      "Video frames that arrived, and frames that the clock of a stream without input asked for",
    );
    this.#framesOut = this.#counter(
      "frames_published_total",
      "Video frames whose last byte was handed to the socket of the output channel",
    );
    this.#framesSkipped = this.#counter(
      "frames_skipped_total",
      "Frames that were not wanted: the stream was starting or paused, or fps is lower than the input's",
    );
    this.#framesDropped = this.#counter(
      "frames_dropped_total",
      "Frames that were wanted and did not come out, by cause",
      ["cause"],
    );
    this.#segmentsOut = this.#counter("segments_published_total", "Segments that were begun");
    this.#bytesOut = this.#counter("published_bytes_total", "Bytes handed to output channels");
    this.#stages = this.#histogram(
      "stage_duration_seconds",
      "Time that a stage worked on one frame, by stage",
    );
    this.#waits = this.#histogram(
      "wait_duration_seconds",
      "Time that one frame waited: for the infer stage to take it, and then for the device to begin",
    );
    this.#latency = this.#histogram(
      "frame_latency_seconds",
      "Time from a frame's last input byte until its last output byte was handed to the socket",
    );
    this.#inference = this.#histogram(
      "inference_duration_seconds",
      "Time on the device for one frame, by the model that the stream asked for",
    );
    this.#loads = this.#counter("model_loads_total", "Loads of models that ended, by outcome", [
      "model",
      "outcome",
    ]);
    this.#loadTimes = this.#histogram(
      "model_load_duration_seconds",
      "Time that the load of a model took, warm-up included, by outcome",
    );
    this.#deaths = this.#counter(
      "engine_deaths_total",
      "Engines that died and were replaced: crashed, hung (killed by the server) or killed from outside",
      ["cause"],
    );
    this.#trickle = new Counter({
      name: "comfystream_trickle_answers_total",
      help: "Requests to trickle servers by direction and class of the answer; error: no answer",
      labelNames: ["direction", "status"],
      registers: this.#registers,
    });
    for (const direction of ["subscribe", "publish"])
      for (const status of ["2xx", "4xx", "470", "5xx", "error"])
        this.#trickle.inc({ direction, status }, 0);
  }

  /** Adds one report of an engine on this device. */
  add(device: string, metrics: EngineMetrics): void {
    if (!this.#devices.has(device)) this.#appear(device);
    this.#framesIn.inc({ device }, metrics.frames_in);
    this.#framesOut.inc({ device }, metrics.frames_out);
    this.#framesSkipped.inc({ device }, metrics.frames_skipped);
    this.#segmentsOut.inc({ device }, metrics.segments_out);
    this.#bytesOut.inc({ device }, metrics.bytes_out);
    for (const [cause, count] of Object.entries(metrics.frames_dropped))
      this.#framesDropped.inc({ device, cause }, count);
    for (const [stage, durations] of Object.entries(metrics.stages))
      this.#stages.add({ device, stage }, durations);
    for (const [queue, durations] of Object.entries(metrics.waits))
      this.#waits.add({ device, queue }, durations);
    this.#latency.add({ device }, metrics.latency);
    for (const [model, durations] of Object.entries(metrics.inference))
      this.#inference.add({ device, model }, durations);
    for (const { model, outcome, durations } of metrics.loads) {
      this.#loads.inc({ device, model, outcome });
      this.#loadTimes.add({ device, outcome }, durations);
    }
    this.answered(metrics.trickle);
  }

  /** An engine of this device died. */
  died(device: string, cause: DeathCause): void {
    if (!this.#devices.has(device)) this.#appear(device);
    this.#deaths.inc({ device, cause });
  }

  /** Adds the requests of this process's own trickle clients. */
  answered(answers: readonly AnswerCount[]): void {
    for (const { direction, status, count } of answers)
      this.#trickle.inc({ direction, status }, count);
  }

  /** Series that are there from the start: a rate over a series that has just appeared misses its first steps. */
  #appear(device: string): void {
    this.#devices.add(device);
    for (const cause of DROP_CAUSES) this.#framesDropped.inc({ device, cause }, 0);
    for (const stage of STAGES) this.#stages.add({ device, stage });
    for (const queue of WAITS) this.#waits.add({ device, queue });
    for (const outcome of LOAD_OUTCOMES) this.#loadTimes.add({ device, outcome });
    for (const cause of DEATH_CAUSES) this.#deaths.inc({ device, cause }, 0);
  }

  /** Counters and histograms of engines have their device, and further labels. */
  #counter(name: string, help: string, labels: readonly string[] = []): Counter<string> {
    return new Counter({
      name: `comfystream_${name}`,
      help,
      labelNames: ["device", ...labels],
      registers: this.#registers,
    });
  }

  #histogram(name: string, help: string): HistogramTotals {
    return new HistogramTotals({ name: `comfystream_${name}`, help, registers: this.#registers });
  }
}
