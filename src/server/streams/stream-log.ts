/** Writes the log lines of one stream's life: started, changed, degraded, interrupted, resumed, ended. */
import type { StreamParams } from "../../engine/protocol/work.ts";
import type { PlainError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import type { EngineName } from "../engines/work.ts";
import type { Stream } from "./stream.ts";
import type { Ending } from "./stream-life.ts";

const log = getLogger("stream");

/** Changes may come with every frame: a line a second says enough. */
const CHANGE_INTERVAL_MS = 1000;

export class StreamLog {
  readonly #stream: Stream;
  #engine: EngineName | null = null;
  #changedAt = Number.NEGATIVE_INFINITY;
  #unlogged = 0;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** It is handed to this engine. */
  handedTo(engine: EngineName): void {
    this.#engine = engine;
  }

  /** Its first engine has begun with it. */
  started(): void {
    const { logId, params, size, protocol } = this.#stream;
    log.info("stream started", {
      stream: logId,
      model: params.model,
      protocol: protocol.name,
      size: size === null ? "as its input" : `${size.width}x${size.height}`,
      ...this.#engine,
    });
  }

  /** It goes on, and this is wrong with it. */
  degraded(trouble: PlainError): void {
    log.warn("stream degraded", { stream: this.#stream.logId, error: trouble.message });
  }

  interrupted(why: string): void {
    log.warn("stream interrupted: its engine died", { stream: this.#stream.logId, why });
  }

  /** The engine that has replaced a dead one has begun with it. */
  resumed(): void {
    const { logId, stats } = this.#stream;
    log.info("stream resumed", { stream: logId, ...this.#engine, restarts: stats.restarts });
  }

  /** Names what has changed, never the values, which are a caller's. */
  changed(before: StreamParams, after: StreamParams): void {
    const changed = changedNames(before, after);
    if (changed.length === 0) return;
    const now = performance.now();
    if (now - this.#changedAt < CHANGE_INTERVAL_MS) {
      this.#unlogged++;
      return;
    }
    const more = this.#unlogged === 0 ? {} : { changes_before: this.#unlogged };
    this.#changedAt = now;
    this.#unlogged = 0;
    log.info("stream changed", { stream: this.#stream.logId, changed: changed.join(), ...more });
  }

  ended({ why, failure }: Ending): void {
    const { logId: stream, usage } = this.#stream;
    const figures = {
      seconds: usage.duration_s,
      paused_s: usage.paused_s,
      fallback_s: usage.fallback_s,
      frames_in: usage.frames_in,
      frames_out: usage.frames_out,
    };
    if (failure === null)
      log.info("stream ended", { stream, why: why ?? "input ended", ...figures });
    else
      log.warn("stream failed", {
        stream,
        error: failure.message,
        ...(why === null ? {} : { why }),
        ...figures,
      });
  }
}

/** The members that differ, with the model's own parameters among them. */
function changedNames(before: StreamParams, after: StreamParams): string[] {
  const was: Record<string, unknown> = { ...before.model_params, ...before };
  const is: Record<string, unknown> = { ...after.model_params, ...after };
  const names = new Set([...Object.keys(was), ...Object.keys(is)]);
  names.delete("model_params");
  return [...names].filter((name) => !Bun.deepEquals(was[name], is[name]));
}
