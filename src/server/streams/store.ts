/** Holds all streams: admits them, hands them to engines, replaces one that starts again, and keeps ended ones readable. */
import type { StreamParams } from "../../engine/protocol/work.ts";
import { fromPlainError, type PlainError, toPlainError, WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { untilAborted } from "../../streams/until-aborted.ts";
import { type Admission, type Place, streamLoad } from "../admission.ts";
import type { Work } from "../engines/work.ts";
import type { JsonLinesFile } from "../json-lines-file.ts";
import { StreamHistory } from "./history.ts";
import { predecessorsOf } from "./predecessors.ts";
import { Stream, type StreamOrigin } from "./stream.ts";
import type { EndReason } from "./stream-life.ts";
import { usageRecord } from "./usage-record.ts";

const log = getLogger("stream");

/** The engine gives channels 2 s, and takes up to a second to delete one that it opened; its refusal says more. */
const START_TIMEOUT_MS = 3500;

/** Where streams run: the engine scheduler. */
export interface StreamHost {
  start(work: Work): void;
  update(work: Work): void;
  stop(work: Work): void;
}

export interface StreamStoreOptions {
  /** Shared with batch jobs. */
  readonly admission: Admission;
  /** How long an ended stream stays readable. */
  readonly historyMs: number;
  /** Counts what happens. */
  readonly observer?: StoreObserver;
  /** Gets a record for each stream that has run. */
  readonly usageLog?: Pick<JsonLinesFile, "append"> | null;
}

export interface StoreObserver {
  /** A stream was admitted. */
  admitted(stream: Stream): void;
  /** A stream is over, and everything that belonged to it is released. */
  ended(stream: Stream): void;
}

export class StreamStore {
  readonly #host: StreamHost;
  readonly #options: StreamStoreOptions;
  readonly #live = new Map<string, Stream>();
  /** All streams that still hold something, replaced ones too. */
  readonly #unreleased = new Set<Stream>();
  /** Streams that wait until others have released their channels. */
  readonly #waiting = new Set<Stream>();
  readonly #places = new WeakMap<Stream, Place>();
  readonly #history: StreamHistory;
  #open = true;

  constructor(host: StreamHost, options: StreamStoreOptions) {
    this.#host = host;
    this.#options = options;
    this.#history = new StreamHistory(options.historyMs);
  }

  get liveCount(): number {
    return this.#live.size;
  }
  /** False once the store is closing. */
  get isOpen(): boolean {
    return this.#open;
  }

  /**
   * Throws `at_capacity` when a further stream would be refused, without `params` one of unknown size. A stream that
   * replaces the live one `id` is admitted to that one's places.
   */
  admit(id?: string, params?: StreamParams): void {
    this.#assertOpen();
    const { admission } = this.#options;
    const replaced = id === undefined ? undefined : this.#live.get(id);
    const freed = replaced === undefined ? 0 : admission.placesFor(loadOf(replaced));
    const load = params && streamLoad(params, null);
    if (freed === 0 || (load && admission.placesFor(load) > freed)) admission.admit(load, freed);
  }

  /**
   * Starts a stream and returns it once it is active. Throws `at_capacity`, `invalid_request` for a channel that a live
   * stream publishes to, the engine's reason for refusing it, or `channel_refused` when nothing answered in time; then
   * nothing is left of it.
   */
  async start(origin: StreamOrigin): Promise<Stream> {
    const { stream, launched } = this.#enter(origin);
    await launched;
    await untilAborted(stream.started, AbortSignal.timeout(START_TIMEOUT_MS));
    if (stream.status === "active") return this.#accepted(stream);
    const refusal = refusalOf(stream);
    log.info("stream refused", { stream: stream.logId, error: refusal.message });
    if (stream.endedAt === null) this.end(stream, "not started in time");
    throw refusal;
  }

  /**
   * Takes a stream on; it starts once a predecessor with the same id or channel has released its channels. Throws
   * `at_capacity`, and `invalid_request` for a channel that another live stream publishes to.
   */
  accept(origin: StreamOrigin): Stream {
    const stream = this.#accepted(this.#enter(origin).stream);
    log.info("stream accepted", { stream: stream.logId, model: stream.params.model });
    return stream;
  }

  /** Sets new parameters and hands them to the engine if they differ. Throws `at_capacity` for a size that does not fit. */
  update(stream: Stream, params: StreamParams): void {
    this.#places.get(stream)?.resize(streamLoad(params, stream.size));
    const same = Bun.deepEquals(params, stream.params);
    stream.change(params);
    if (!same) this.#host.update(stream);
  }

  /** Begins to end the stream of this id unless it is over, and returns it: `released` settles later. Null if there is none. */
  stop(id: string, why: EndReason = "deleted"): Stream | null {
    const stream = this.#find(id);
    if (stream !== null) this.end(stream, why);
    return stream;
  }

  /** Begins to end this stream, even if another one has its id by now; with `error` it has failed. */
  end(stream: Stream, why: EndReason, error?: PlainError): void {
    if (stream.endedAt !== null || stream.status === "stopping") return;
    stream.stopping(why, error);
    if (this.#waiting.delete(stream)) stream.receive({ type: "ended", id: stream.id });
    else this.#host.stop(stream);
  }

  /** The stream of this id, live or in the history. Throws `stream_not_found`. */
  get(id: string): Stream {
    const stream = this.#find(id);
    if (stream !== null) return stream;
    throw new WorkerError("stream_not_found", "no stream has this id; see GET /streams");
  }

  /** Live streams; with `all` preceded by those of the history. */
  list(which: "live" | "all"): readonly Stream[] {
    return [...(which === "all" ? this.#history.all() : []), ...this.#live.values()];
  }

  /**
   * Refuses new streams and ends the live ones as their protocols want it, those that may run on while the server drains
   * once `drained` settles. Settles when the last stream is released.
   */
  async close(drained: Promise<unknown> = Promise.resolve()): Promise<void> {
    this.#open = false;
    const all = [...this.#unreleased];
    const isDraining = ({ protocol }: Stream) => protocol.atShutdown === "drain";
    this.#endAll(all.filter((stream) => !isDraining(stream)));
    await drained;
    this.#endAll(all.filter(isDraining));
    await Promise.all(all.map((stream) => stream.released));
  }

  #endAll(streams: readonly Stream[]): void {
    for (const stream of streams)
      this.end(stream, "server stopping", stream.protocol.shutdownError ?? undefined);
  }

  #assertOpen(): void {
    if (!this.#open) throw new WorkerError("at_capacity", "the server is shutting down");
  }

  /** Its caller is told that it runs: it leaves a history and a usage record, as no refused stream does. */
  #accepted(stream: Stream): Stream {
    void stream.over.then(() => this.#options.usageLog?.append(usageRecord(stream)));
    void stream.released.then(() => this.#history.add(stream));
    return stream;
  }

  /** Live or in the history. */
  #find(id: string): Stream | null {
    return this.#live.get(id) ?? this.#history.get(id) ?? null;
  }

  /** `launched` settles when an engine has the stream, or when it is over. */
  #enter(origin: StreamOrigin): { stream: Stream; launched: Promise<void> } {
    if (origin.place === undefined) this.admit(origin.id, origin.params);
    else this.#assertOpen();
    const predecessors = predecessorsOf(origin, this.#unreleased);
    // A larger stream than the place was held for may not fit.
    origin.place?.resize(streamLoad(origin.params, null));
    for (const predecessor of predecessors) this.end(predecessor, "replaced");
    const stream = new Stream(origin);
    const place = origin.place ?? this.#options.admission.take(loadOf(stream));
    this.#places.set(stream, place);
    stream.onSize = () => place.correct(loadOf(stream));
    this.#live.set(stream.id, stream);
    this.#unreleased.add(stream);
    this.#options.observer?.admitted(stream);
    void stream.released.then(() => {
      this.#unreleased.delete(stream);
      this.#options.observer?.ended(stream);
      if (this.#live.get(stream.id) === stream) this.#live.delete(stream.id);
      place[Symbol.dispose]();
    });
    if (predecessors.length === 0) this.#launch(stream);
    else this.#waiting.add(stream);
    const launched = Promise.all(predecessors.map((predecessor) => predecessor.released)).then(
      () => {
        if (this.#waiting.delete(stream)) this.#launch(stream);
      },
    );
    return { stream, launched };
  }

  #launch(stream: Stream): void {
    try {
      stream.open();
      this.#host.start(stream);
    } catch (error) {
      stream.receive({ type: "ended", id: stream.id, error: toPlainError(error) });
    }
  }
}

const loadOf = ({ params, size }: Stream) => streamLoad(params, size);

/** Why a stream that did not become active was not started. */
function refusalOf({ status, error, protocol, spec }: Stream): WorkerError {
  if (error !== null && status === "error") return fromPlainError(error);
  const problem =
    status === "starting" ? "did not answer within 2 s" : "the stream was stopped as it started";
  const { input, output } = protocol.channelFields;
  const fields = [...(spec.input ? [input] : []), ...(spec.output ? [output] : [])];
  const details = fields.map((field) => ({ field, problem }));
  return new WorkerError("channel_refused", `${fields.join(" or ")}: ${problem}`, { details });
}
