/** Passes a stream's data reports on to readers at a bounded rate, and drops the oldest of a slow reader. */
import { type DataReport, MAX_DATA_BYTES } from "../../engine/protocol/messages.ts";
import { reason, WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";

/** A report as readers get it. */
export interface DataEvent extends Omit<DataReport, "id"> {
  /** `Date.now()` when the server passed it on. */
  readonly timestamp: number;
  /** Reports that this reader has not got since its last event, or since it came. */
  readonly dropped: number;
}

/** What a reader is given: a report, nothing for a while, or the end of the stream. */
export type DataRead = DataEvent | "nothing" | "end";

/** In the long run 30 reports a second are passed on. */
const INTERVAL_MS = 1000 / 30;
/** So many may come at once: frames of a segment do, and gateways send segments of two seconds. */
const BURST = 60;
const MAX_READERS = 8;
const log = getLogger("stream");

export class DataOutput {
  readonly #logId: string;
  readonly #onEvent: (event: DataEvent) => void;
  readonly #readers = new Set<DataReader>();
  /** The newest report while it waits for its turn. */
  #waiting: DataReport | null = null;
  /** Reports that nobody gets, since the last that was passed on. */
  #dropped = 0;
  /** Runs until the report that waits may be passed on. */
  #turn: Timer | null = null;
  /** `performance.now()` from which a whole burst may be passed on. */
  #restedAt = 0;
  #isOver = false;
  #hasWarned = false;

  /** `logId` names the stream in logs; `onEvent` is called with every report that is passed on. */
  constructor(logId: string, onEvent: (event: DataEvent) => void) {
    this.#logId = logId;
    this.#onEvent = onEvent;
  }

  /** Takes a report from the engine; it is passed on at once, or when its turn comes unless a newer one has come. */
  publish(report: DataReport): void {
    if (this.#isOver) return;
    const waitMs = this.#restedAt - (BURST - 1) * INTERVAL_MS - performance.now();
    if (this.#turn === null && waitMs <= 0) {
      this.#passOn(report);
      return;
    }
    if (this.#waiting !== null) this.#dropped++;
    this.#waiting = report;
    this.#turn ??= setTimeout(() => this.#passOnWaiting(), waitMs);
  }

  /** A new reader; it gets the reports that come from now on. Throws `at_capacity` where there are too many. */
  open(): DataReader {
    if (this.#readers.size >= MAX_READERS) {
      const message = `the stream's data has ${MAX_READERS} readers already: close one first`;
      throw new WorkerError("at_capacity", message);
    }
    const reader: DataReader = new DataReader(() => this.#readers.delete(reader));
    if (this.#isOver) reader.end();
    else this.#readers.add(reader);
    return reader;
  }

  /** The stream is over: readers end once they have got what waits. */
  close(): void {
    this.#passOnWaiting();
    this.#isOver = true;
    for (const reader of this.#readers) reader.end();
  }

  #passOnWaiting(): void {
    if (this.#turn !== null) clearTimeout(this.#turn);
    this.#turn = null;
    if (this.#waiting !== null) this.#passOn(this.#waiting);
    this.#waiting = null;
  }

  #passOn({ id: _, ...report }: DataReport): void {
    this.#restedAt = Math.max(this.#restedAt, performance.now()) + INTERVAL_MS;
    const event = { ...report, timestamp: Date.now(), dropped: this.#dropped };
    const fault = faultOf(event);
    if (fault !== null) {
      this.#dropped++;
      if (!this.#hasWarned) log.warn("data dropped", { stream: this.#logId, reason: fault });
      this.#hasWarned = true;
      return;
    }
    this.#dropped = 0;
    for (const reader of this.#readers) reader.offer(event);
    this.#onEvent(event);
  }
}

/** Why an event cannot be sent; null if it can. */
function faultOf(event: DataEvent): string | null {
  try {
    const bytes = Buffer.byteLength(JSON.stringify(event));
    if (bytes <= MAX_DATA_BYTES) return null;
    return `it has ${bytes} bytes as JSON; at most ${MAX_DATA_BYTES} are sent`;
  } catch (error) {
    return `JSON cannot hold it: ${reason(error)}`;
  }
}

/** One reader of a stream's data. Dispose it when nobody reads any more. */
export class DataReader implements Disposable {
  readonly #leave: () => void;
  /** The oldest first. */
  readonly #unread: DataEvent[] = [];
  #isOver = false;
  #wake: (() => void) | null = null;

  /** @param leave called when it is disposed. */
  constructor(leave: () => void) {
    this.#leave = leave;
  }

  /** Adds a report. Of more than a burst that nobody has read the oldest is dropped. */
  offer(event: DataEvent): void {
    this.#unread.push(event);
    if (this.#unread.length > BURST) {
      const [oldest, next] = this.#unread.splice(0, 2);
      if (oldest && next) this.#unread.unshift(afterMissing(oldest, next));
    }
    this.#wake?.();
  }

  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  /** The next report that has not been read; waits for one up to `patienceMs`. One call at a time. */
  async read(patienceMs: number): Promise<DataRead> {
    if (this.#unread.length === 0 && !this.#isOver) await this.#change(patienceMs);
    return this.#unread.shift() ?? (this.#isOver ? "end" : "nothing");
  }

  [Symbol.dispose](): void {
    this.#leave();
    this.end();
  }

  async #change(patienceMs: number): Promise<void> {
    const changed = Promise.withResolvers<void>();
    const timer = setTimeout(changed.resolve, patienceMs);
    this.#wake = changed.resolve;
    await changed.promise;
    this.#wake = null;
    clearTimeout(timer);
  }
}

/** The event `next` for a reader that has missed the one before it. */
const afterMissing = (missed: DataEvent, next: DataEvent): DataEvent => ({
  ...next,
  dropped: next.dropped + missed.dropped + 1,
});
