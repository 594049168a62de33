/** Judges the state of an orchestrator's stream and builds its `heartbeat` and `status` events (protocol.md 5.3). */
import type { StreamEvent } from "../../streams/observer.ts";
import type { Stream } from "../../streams/stream.ts";

/** The states of a stream as ai-runner names them. */
type VitalState =
  | "LOADING"
  | "OFFLINE"
  | "ONLINE"
  | "DEGRADED_INPUT"
  | "DEGRADED_INFERENCE"
  | "ERROR";

/** An input that is silent, or an output that does not keep up, for this long degrades the stream. */
const PATIENCE_MS = 5000;
/** Time for the first input: a gateway sends whole segments, and key frames may be ten seconds apart. */
const FIRST_INPUT_MS = 12_000;
/** The output does not keep up when it has less than this share of the rate asked for, and less than this rate. */
const MIN_OUTPUT_SHARE = 0.8;
const ENOUGH_FPS = 10;

/** Follows one stream and remembers when what happened last. Times are `Date.now()`, and ages follow `performance.now()`. */
export class StreamVitals {
  readonly #stream: Stream;
  readonly #pipeline: string;
  #state: { readonly name: VitalState; readonly since: number };
  #framesIn = 0;
  #framesOut = 0;
  readonly #since = performance.now();
  /** The last frames that came in. */
  #input: { readonly date: number; readonly at: number } | null = null;
  #outputAt: number | null = null;
  /** `performance.now()`. */
  #behindSince: number | null = null;
  #paramsAt: number | null = null;
  #restart: { readonly why: string; readonly at: number } | null = null;
  #error: { readonly message: string; readonly at: number } | null = null;

  /** @param pipeline names what runs, in status events */
  constructor(stream: Stream, pipeline: string) {
    this.#stream = stream;
    this.#pipeline = pipeline;
    this.#state = { name: "LOADING", since: Date.now() };
  }

  /** Whether a frame has come in, and whether one has been delivered. */
  get seen(): { readonly input: boolean; readonly output: boolean } {
    return { input: this.#input !== null, output: this.#outputAt !== null };
  }

  /** Returns true if frames have come in since the event before. */
  handle(event: StreamEvent): boolean {
    if (event.type === "params_changed") this.#paramsAt = Date.now();
    if (event.type === "interrupted") {
      this.#restart = { why: event.why, at: Date.now() };
      this.#behindSince = null;
    }
    if (event.type !== "stats") return false;
    const { frames_in, frames_out, fps_in, fps_out } = this.#stream.stats;
    const { fps: cap = fps_in } = this.#stream.params;
    const isBehind = fps_out < Math.min(ENOUGH_FPS, MIN_OUTPUT_SHARE * Math.min(fps_in, cap));
    this.#behindSince = isBehind ? (this.#behindSince ?? performance.now()) : null;
    const hasMoved = frames_in > this.#framesIn;
    if (hasMoved) this.#input = { date: Date.now(), at: performance.now() };
    if (frames_out > this.#framesOut) this.#outputAt = Date.now();
    this.#framesIn = frames_in;
    this.#framesOut = frames_out;
    return hasMoved;
  }

  /** Remembers the last error. */
  failed(message: string): void {
    this.#error = { message, at: Date.now() };
  }

  /** True if the state differs from the one that was last returned, here or by `status`. */
  hasChanged(): boolean {
    const before = this.#state;
    return this.#judge() !== before;
  }

  /** Leaves out `urls`: channel names are credentials. */
  heartbeat() {
    const { size } = this.#stream;
    return {
      type: "heartbeat",
      timestamp: Date.now(),
      dimensions: { width: size?.width ?? 0, height: size?.height ?? 0 },
      fps: ratesOf(this.#stream),
    };
  }

  status() {
    const { stats, shownParams } = this.#stream;
    const { name, since } = this.#judge();
    return {
      type: "status",
      pipeline: this.#pipeline,
      start_time: this.#stream.createdAt.getTime(),
      state: name,
      last_state_update_time: since,
      input_status: { last_input_time: this.#input?.date ?? null, fps: stats.fps_in },
      inference_status: {
        last_output_time: this.#outputAt,
        fps: stats.fps_out,
        last_params_update_time: this.#paramsAt,
        last_params: shownParams,
        last_params_hash: String(Bun.hash(JSON.stringify(shownParams))),
        last_error_time: this.#error?.at ?? null,
        last_error: this.#error?.message ?? null,
        last_restart_time: this.#restart?.at ?? null,
        last_restart_logs: this.#restart && [this.#restart.why],
        restart_count: stats.restarts,
      },
      stats,
    };
  }

  #judge(): { readonly name: VitalState; readonly since: number } {
    const name = this.#name();
    if (name !== this.#state.name) this.#state = { name, since: Date.now() };
    return this.#state;
  }

  #name(): VitalState {
    const { status, spec, protocol, error, measured, stats } = this.#stream;
    const isOld = (since: number, patienceMs = PATIENCE_MS) =>
      performance.now() - since > patienceMs;
    if (status === "error") return "ERROR";
    if (status === "stopping" || status === "stopped") return "OFFLINE";
    if (status === "starting" || !measured.isReported) return "LOADING";
    const isSilent =
      this.#input === null
        ? isOld(this.#since, FIRST_INPUT_MS)
        : // The engine keeps the rate up between two segments and knows how far apart they come.
          stats.fps_in === 0 && isOld(this.#input.at);
    if (spec.input && isSilent) return "DEGRADED_INPUT";
    const { input } = protocol.channelFields;
    const isInputError = error?.details?.some(({ field }) => field === input) ?? false;
    if (error !== null) return isInputError ? "DEGRADED_INPUT" : "DEGRADED_INFERENCE";
    if (spec.output && this.#outputAt === null) return "LOADING";
    const isBehind = spec.output && this.#behindSince !== null && isOld(this.#behindSince);
    return isBehind ? "DEGRADED_INFERENCE" : "ONLINE";
  }
}

/** pytrickle's four rates: frames of video and packets of audio a second. */
export function ratesOf({ stats: { fps_in, fps_out }, measured: { audioRates } }: Stream) {
  return {
    ingress_video_fps: fps_in,
    ingress_audio_fps: audioRates.in,
    egress_video_fps: fps_out,
    egress_audio_fps: audioRates.out,
  };
}
