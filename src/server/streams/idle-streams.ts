/** Ends streams that nobody feeds or watches any more (`IDLE_TIMEOUT`). */
import { getLogger } from "../../log.ts";
import { ownChannelName } from "../hosts/channel-url.ts";
import type { Stream } from "./stream.ts";
import type { EndReason } from "./stream-life.ts";

const log = getLogger("stream");

const MAX_INTERVAL_MS = 1000;

export interface IdleStreamsOptions {
  readonly streams: {
    list(which: "live"): readonly Stream[];
    end(stream: Stream, why: EndReason): void;
  };
  readonly timeoutMs: number;
  /** The server's own channels; null where it has none. */
  readonly channels: {
    /** Milliseconds since anybody read this channel, or waited for it; null if there is none. */
    unwatchedMs(name: string): number | null;
  } | null;
}

/** The last frame that came in. */
interface Arrival {
  readonly framesIn: number;
  /** `performance.now()`. */
  readonly at: number;
}

/**
 * A stream with input is idle while no frame comes in; any stream is while nobody reads its output, if that is a channel
 * of this server. Who reads a channel elsewhere is not known here.
 */
export class IdleStreams implements Disposable {
  readonly #options: IdleStreamsOptions;
  readonly #arrivals = new WeakMap<Stream, Arrival>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: IdleStreamsOptions) {
    this.#options = options;
    const interval = Math.min(MAX_INTERVAL_MS, options.timeoutMs / 4);
    this.#timer = setInterval(() => this.#look(), interval);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { streams, timeoutMs } = this.#options;
    for (const stream of streams.list("live")) {
      if (stream.status !== "active") continue;
      const why = this.#idleFor(stream);
      if (why === null) continue;
      log.info("idle stream ended", { stream: stream.logId, why, idle_timeout_ms: timeoutMs });
      streams.end(stream, "idle");
    }
  }

  #idleFor(stream: Stream): string | null {
    const { timeoutMs, channels } = this.#options;
    const { input, output } = stream.spec;
    if (input !== undefined && this.#silentMs(stream) >= timeoutMs) return "no frame came in";
    const own = output === undefined ? null : ownChannelName(output.endpoint);
    const unwatchedMs = own === null ? null : (channels?.unwatchedMs(own) ?? null);
    return unwatchedMs !== null && unwatchedMs >= timeoutMs ? "nobody read its output" : null;
  }

  /** Milliseconds since the last frame came in, or since the stream was first looked at. */
  #silentMs(stream: Stream): number {
    const { frames_in: framesIn } = stream.stats;
    const last = this.#arrivals.get(stream);
    const now = performance.now();
    if (last?.framesIn === framesIn) return now - last.at;
    this.#arrivals.set(stream, { framesIn, at: now });
    return 0;
  }
}
