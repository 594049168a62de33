/** Hides the set of streams: admission, replacing one that starts twice, and the history of those that ended. */
import type { StreamParams } from "../engine/protocol.ts";
import { type PlainError, WorkerError } from "../errors.ts";
import { getLogger } from "../log.ts";
import { fieldsError } from "./field-errors.ts";
import { isSameChannel } from "./host-policy.ts";
import type { PlacedStream } from "./placed-stream.ts";
import type { Places } from "./places.ts";
import { type StreamOrigin, StreamRecord } from "./stream-record.ts";

const log = getLogger("stream");

/** The engine gives a channel 2 s; its own answer, which says more, comes first. */
const START_TIMEOUT_MS = 2500;
const MAX_HISTORY = 1000;

/** Where streams run: the engine pool. */
export interface StreamHost {
  start(stream: PlacedStream): void;
  update(stream: PlacedStream): void;
  stop(stream: PlacedStream): void;
}

export interface StreamStoreOptions {
  /** Shared with batch jobs. */
  readonly places: Places;
  /** How long an ended stream stays readable. */
  readonly historyMs: number;
}

export class StreamStore {
  readonly #host: StreamHost;
  readonly #options: StreamStoreOptions;
  readonly #live = new Map<string, StreamRecord>();
  /** In the order of their ends. */
  readonly #ended = new Map<string, StreamRecord>();
  #open = true;

  constructor(host: StreamHost, options: StreamStoreOptions) {
    this.#host = host;
    this.#options = options;
  }

  get capacity(): number {
    return this.#options.places.capacity;
  }
  get liveCount(): number {
    return this.#live.size;
  }

  /** Throws `at_capacity` when a further stream would be refused; `id` is that of one it would replace. */
  admit(id?: string): void {
    if (!this.#open) throw new WorkerError("at_capacity", "the server is shutting down");
    const replaces = id !== undefined && this.#live.has(id);
    if (!replaces) this.#options.places.admit();
  }

  /**
   * A running stream. One with the same id is ended first. Throws `at_capacity`, `invalid_request` for a channel that
   * a live stream publishes to, and what the engine refused it for or `channel_refused` when nothing answered in time;
   * then nothing is left of it.
   */
  async start(origin: StreamOrigin): Promise<StreamRecord> {
    this.admit(origin.id);
    for (let old = this.#inTheWay(origin); old !== null; old = this.#inTheWay(origin))
      await old.ended;
    this.admit();
    const record = new StreamRecord(origin);
    this.#live.set(record.id, record);
    const place = this.#options.places.take();
    void record.ended.then(() => {
      this.#retire(record);
      place[Symbol.dispose]();
    });
    try {
      this.#host.start(record);
    } catch (error) {
      record.receive({ type: "ended", id: record.id });
      await this.#forget(record);
      throw error;
    }
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, START_TIMEOUT_MS);
    await Promise.race([record.started, late.promise]);
    clearTimeout(timer);
    if (record.status === "active") {
      log.info("stream started", { id: record.id, model: record.params.model });
      return record;
    }
    const { error, status } = record;
    const refusal = error !== null && status === "error" ? ofEngine(error) : unanswered(record);
    log.info("stream refused", { id: record.id, error: refusal.message });
    if (record.endedAt === null) this.stop(record.id);
    void this.#forget(record);
    throw refusal;
  }

  /** Hands new parameters to the stream's engine. */
  update(record: StreamRecord, params: StreamParams): void {
    record.change(params);
    this.#host.update(record);
  }

  /** Asks a live stream to end; `ended` of the record says when it has. Null for one that is not live. */
  stop(id: string): StreamRecord | null {
    const record = this.#live.get(id);
    if (record === undefined) return null;
    record.stopping();
    this.#host.stop(record);
    return record;
  }

  /** Throws `stream_not_found` for an id that no stream has, or had within the history. */
  get(id: string): StreamRecord {
    this.#expire();
    const record = this.#live.get(id) ?? this.#ended.get(id);
    if (record !== undefined) return record;
    const message = `no stream has the id ${JSON.stringify(id.slice(0, 256))}; see GET /streams`;
    throw new WorkerError("stream_not_found", message);
  }

  /** Live streams, and ended ones before them where asked for. */
  list(which: "live" | "all"): readonly StreamRecord[] {
    this.#expire();
    return [...(which === "all" ? this.#ended.values() : []), ...this.#live.values()];
  }

  /** Takes no more streams and ends all; settles when the last is released. */
  async close(): Promise<void> {
    this.#open = false;
    const live = [...this.#live.values()];
    for (const { id } of live) this.stop(id);
    await Promise.all(live.map((record) => record.ended));
  }

  /** The stream that must have ended before this one starts. */
  #inTheWay({ id, spec: { output, owns_output } }: StreamOrigin): StreamRecord | null {
    const rival = [...this.#live.values()].find(
      ({ id: other, spec }) =>
        other !== id && output && spec.output && isSameChannel(output, spec.output),
    );
    // One that stops deletes its channel as its last act.
    if (rival?.status === "stopping") return rival;
    if (rival === undefined) return this.stop(id);
    const field = owns_output ? "stream_url" : "publish_url";
    const problem = `is published to by stream ${rival.id}: stop that one or name another channel`;
    throw fieldsError([{ field, problem }]);
  }

  #retire(record: StreamRecord): void {
    if (this.#live.get(record.id) === record) this.#live.delete(record.id);
    this.#ended.delete(record.id);
    this.#ended.set(record.id, record);
    this.#expire();
  }

  /** A stream that never was active leaves no history. */
  async #forget(record: StreamRecord): Promise<void> {
    await record.ended;
    if (this.#ended.get(record.id) === record) this.#ended.delete(record.id);
  }

  #expire(): void {
    const oldest = Date.now() - this.#options.historyMs;
    for (const [id, record] of this.#ended) {
      if ((record.endedAt ?? 0) > oldest && this.#ended.size <= MAX_HISTORY) return;
      this.#ended.delete(id);
    }
  }
}

const ofEngine = ({ kind, message, details = [] }: PlainError): WorkerError =>
  new WorkerError(kind, message, { details });

function unanswered({ status, spec }: StreamRecord): WorkerError {
  const why =
    status === "starting" ? "did not answer within 2 s" : "the stream was stopped as it started";
  const field = spec.owns_output ? "stream_url" : "publish_url";
  return new WorkerError("channel_refused", `${field}: ${why}`, {
    details: [{ field, problem: why }],
  });
}
