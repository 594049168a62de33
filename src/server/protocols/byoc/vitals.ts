/** Hides how a stream's state is judged, and the shape of `heartbeat` and `status` (protocol.md 5.3). */
import type { Stream, StreamNews } from "../../streams/stream.ts";

/** ai-runner's states of a stream. */
type VitalState =
  | "LOADING"
  | "OFFLINE"
  | "ONLINE"
  | "DEGRADED_INPUT"
  | "DEGRADED_INFERENCE"
  | "ERROR";

/** An input that is silent, or an inference that does not keep up, for so long is more than a hiccup. */
const PATIENCE_MS = 5000;
/** The first segment of a gateway comes when it is whole, and key frames may be ten seconds apart. */
const FIRST_INPUT_MS = 12_000;
/** Fewer frames out than this share of those in, where that is also below the rate: inference does not keep up. */
const KEPT_SHARE = 0.8;
const ENOUGH_FPS = 10;

/** What is known of one stream beyond its record: when something happened last. Times are `Date.now()`. */
export class StreamVitals {
  readonly #record: Stream;
  #state: { readonly name: VitalState; readonly since: number };
  #framesIn = 0;
  #framesOut = 0;
  #inputAt: number | null = null;
  #outputAt: number | null = null;
  #behindSince: number | null = null;
  #paramsAt: number | null = null;
  #restartAt: number | null = null;
  #error: { readonly message: string; readonly at: number } | null = null;

  constructor(record: Stream) {
    this.#record = record;
    this.#state = { name: "LOADING", since: Date.now() };
  }

  /** Whether a frame has come in, or gone out. */
  get seen(): { readonly input: boolean; readonly output: boolean } {
    return { input: this.#inputAt !== null, output: this.#outputAt !== null };
  }

  /** Returns whether frames have come in since the last news. */
  heard(news: StreamNews): boolean {
    if (news.type === "changed") this.#paramsAt = Date.now();
    if (news.type === "interrupted") {
      this.#restartAt = Date.now();
      this.#behindSince = null;
    }
    if (news.type !== "stats") return false;
    const { frames_in, frames_out, fps_in, fps_out } = this.#record.stats;
    const isBehind = fps_out < Math.min(ENOUGH_FPS, KEPT_SHARE * fps_in);
    this.#behindSince = isBehind ? (this.#behindSince ?? Date.now()) : null;
    const moved = frames_in > this.#framesIn;
    if (moved) this.#inputAt = Date.now();
    if (frames_out > this.#framesOut) this.#outputAt = Date.now();
    this.#framesIn = frames_in;
    this.#framesOut = frames_out;
    return moved;
  }

  failed(message: string): void {
    this.#error = { message, at: Date.now() };
  }

  /** Whether the state is another than when it was last asked for, here or by `status`. */
  hasTurned(): boolean {
    const before = this.#state;
    return this.#judge() !== before;
  }

  /** Without `urls`: channel names are credentials. */
  heartbeat() {
    const { size } = this.#record;
    return {
      type: "heartbeat",
      timestamp: Date.now(),
      dimensions: { width: size?.width ?? 0, height: size?.height ?? 0 },
      fps: ratesOf(this.#record),
    };
  }

  status() {
    const { stats, shownParams } = this.#record;
    const { name, since } = this.#judge();
    return {
      type: "status",
      pipeline: "byoc",
      start_time: this.#record.createdAt.getTime(),
      state: name,
      last_state_update_time: since,
      input_status: { last_input_time: this.#inputAt, fps: stats.fps_in },
      inference_status: {
        last_output_time: this.#outputAt,
        fps: stats.fps_out,
        last_params_update_time: this.#paramsAt,
        last_params: shownParams,
        last_params_hash: String(Bun.hash(JSON.stringify(shownParams))),
        last_error_time: this.#error?.at ?? null,
        last_error: this.#error?.message ?? null,
        last_restart_time: this.#restartAt,
        last_restart_logs: null,
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
    const { status, spec, error, isMeasured, createdAt, stats } = this.#record;
    const isOld = (since: number, patienceMs = PATIENCE_MS) => Date.now() - since > patienceMs;
    if (status === "error") return "ERROR";
    if (status === "stopping" || status === "stopped") return "OFFLINE";
    if (status === "starting" || !isMeasured) return "LOADING";
    const isSilent =
      this.#inputAt === null
        ? isOld(createdAt.getTime(), FIRST_INPUT_MS)
        : // Between two segments the rate stands: how far apart they come, the engine knows.
          stats.fps_in === 0 && isOld(this.#inputAt);
    if (spec.input && isSilent) return "DEGRADED_INPUT";
    if (error !== null) return "DEGRADED_INFERENCE";
    if (spec.output && this.#outputAt === null) return "LOADING";
    const isBehind = spec.output && this.#behindSince !== null && isOld(this.#behindSince);
    return isBehind ? "DEGRADED_INFERENCE" : "ONLINE";
  }
}

/** pytrickle's four rates: frames a second, of sound packets a second. */
export function ratesOf({ stats: { fps_in, fps_out }, soundRates }: Stream) {
  return {
    ingress_video_fps: fps_in,
    ingress_audio_fps: soundRates.in,
    egress_video_fps: fps_out,
    egress_audio_fps: soundRates.out,
  };
}
