/** Hides the set of streams: admission, replacing one that starts twice, and the history of those that ended. */
import type { StreamParams } from "../../engine/protocol/work.ts";
import { type PlainError, toPlainError, WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { untilAborted } from "../../streams/until-aborted.ts";
import type { Admission } from "../admission.ts";
import type { PlacedStream } from "../engines/placed-stream.ts";
import { fieldsError } from "../field-errors.ts";
import { isSameChannel } from "../hosts/channel-url.ts";
import { Stream, type StreamOrigin } from "./stream.ts";

const log = getLogger("stream");

/** The engine gives a channel 2 s; its own answer, which says more, comes first. */
const START_TIMEOUT_MS = 2500;
const MAX_HISTORY = 1000;
/** Nobody has asked for this end: a gateway that is not told waits 30 s before it looks for another worker. */
const LEAVING: PlainError = { kind: "at_capacity", message: "the worker is shutting down" };

/** Where streams run: the engine pool. */
export interface StreamHost {
  start(stream: PlacedStream): void;
  update(stream: PlacedStream): void;
  stop(stream: PlacedStream): void;
}

export interface StreamStoreOptions {
  /** Shared with batch jobs. */
  readonly places: Admission;
  /** How long an ended stream stays readable. */
  readonly historyMs: number;
}

export class StreamStore {
  readonly #host: StreamHost;
  readonly #options: StreamStoreOptions;
  readonly #live = new Map<string, Stream>();
  /** All that hold something, those that were replaced too. */
  readonly #unreleased = new Set<Stream>();
  /** For a predecessor to release its channels. */
  readonly #waiting = new Set<Stream>();
  /** In the order of their ends. */
  readonly #ended = new Map<string, Stream>();
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

  /** False once it has been closed. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** Throws `at_capacity` when a further stream would be refused; `id` is that of one it would replace. */
  admit(id?: string): void {
    if (!this.#open) throw new WorkerError("at_capacity", "the server is shutting down");
    const replaces = id !== undefined && this.#live.has(id);
    if (!replaces) this.#options.places.admit();
  }

  /**
   * A running stream. Throws `at_capacity`, `invalid_request` for a channel that a live stream publishes to, and what
   * the engine refused it for or `channel_refused` when nothing answered in time; then nothing is left of it.
   */
  async start(origin: StreamOrigin): Promise<Stream> {
    const { record, launched } = this.#enter(origin);
    await launched;
    await untilAborted(record.started, AbortSignal.timeout(START_TIMEOUT_MS));
    if (record.status === "active") {
      log.info("stream started", { stream: record.logId, model: record.params.model });
      return record;
    }
    const { error, status } = record;
    const refusal = error !== null && status === "error" ? ofEngine(error) : unanswered(record);
    log.info("stream refused", { stream: record.logId, error: refusal.message });
    if (record.endedAt === null) this.end(record);
    void this.#forget(record);
    throw refusal;
  }

  /**
   * A stream that is taken on and starts in its own time: when one with the same id has released the channels. Throws
   * `at_capacity`, and `invalid_request` for a channel that another live stream publishes to.
   */
  begin(origin: StreamOrigin): Stream {
    const { record } = this.#enter(origin);
    log.info("stream accepted", { stream: record.logId, model: record.params.model });
    return record;
  }

  /** Hands new parameters to the stream's engine; those it has restart nothing. */
  update(record: Stream, params: StreamParams): void {
    const same = Bun.deepEquals(params, record.params);
    record.change(params);
    if (!same) this.#host.update(record);
  }

  /** Asks a live stream to end; `ended` of the record says when it has. Null for one that is not live. */
  stop(id: string): Stream | null {
    const record = this.#live.get(id) ?? null;
    if (record !== null) this.end(record);
    return record;
  }

  /** Ends this very stream, whoever has its id by now; with `error` it has failed. */
  end(record: Stream, error?: PlainError): void {
    if (record.endedAt !== null || record.status === "stopping") return;
    record.stopping(error);
    if (this.#waiting.delete(record)) record.receive({ type: "ended", id: record.id });
    else this.#host.stop(record);
  }

  /** Throws `stream_not_found` for an id that no stream has, or had within the history. */
  get(id: string): Stream {
    this.#expire();
    const record = this.#live.get(id) ?? this.#ended.get(id);
    if (record !== undefined) return record;
    throw new WorkerError("stream_not_found", "no stream has this id; see GET /streams");
  }

  /** Live streams, and ended ones before them where asked for. */
  list(which: "live" | "all"): readonly Stream[] {
    this.#expire();
    return [...(which === "all" ? this.#ended.values() : []), ...this.#live.values()];
  }

  /**
   * Takes no more streams and ends all, those of an orchestrator's as failed, so that gateways leave; settles when the
   * last is released.
   */
  async close(): Promise<void> {
    this.#open = false;
    const all = [...this.#unreleased];
    for (const record of all) this.end(record, record.spec.owns_output ? undefined : LEAVING);
    await Promise.all(all.map((record) => record.ended));
  }

  /** `launched` settles when it is with an engine, or over. */
  #enter(origin: StreamOrigin): { record: Stream; launched: Promise<void> } {
    this.admit(origin.id);
    const before = this.#before(origin);
    for (const old of before) this.end(old);
    const record = new Stream(origin);
    const place = this.#options.places.take();
    this.#live.set(record.id, record);
    this.#unreleased.add(record);
    void record.ended.then(() => {
      this.#unreleased.delete(record);
      this.#retire(record);
      place[Symbol.dispose]();
    });
    if (before.length === 0) this.#launch(record);
    else this.#waiting.add(record);
    const launched = Promise.all(before.map((old) => old.ended)).then(() => {
      if (this.#waiting.delete(record)) this.#launch(record);
    });
    return { record, launched };
  }

  #launch(record: Stream): void {
    try {
      record.begin();
      this.#host.start(record);
    } catch (error) {
      record.receive({ type: "ended", id: record.id, error: toPlainError(error) });
    }
  }

  /** The streams that must have ended before this one starts. */
  #before({ id, spec: { output, owns_output } }: StreamOrigin): readonly Stream[] {
    return [...this.#unreleased].filter((other) => {
      if (other.id === id) return true;
      const to = other.spec.output;
      if (!output || !to || !isSameChannel(output, to)) return false;
      // One that stops may delete its channel as its last act.
      if (other.status === "stopping" || other.endedAt !== null) return true;
      const field = owns_output ? "stream_url" : "publish_url";
      const problem =
        "is published to by another live stream: stop that one or name another channel";
      throw fieldsError([{ field, problem }]);
    });
  }

  #retire(record: Stream): void {
    if (this.#live.get(record.id) === record) this.#live.delete(record.id);
    this.#ended.delete(record.id);
    this.#ended.set(record.id, record);
    this.#expire();
  }

  /** A stream that never was active leaves no history. */
  async #forget(record: Stream): Promise<void> {
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

function unanswered({ status, spec }: Stream): WorkerError {
  const why =
    status === "starting" ? "did not answer within 2 s" : "the stream was stopped as it started";
  const field = spec.owns_output ? "stream_url" : "publish_url";
  return new WorkerError("channel_refused", `${field}: ${why}`, {
    details: [{ field, problem: why }],
  });
}
