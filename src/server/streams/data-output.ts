/** Passes a stream's data reports on to readers: at a bounded rate, to each reader the newest, counting what it misses. */
import { type DataReport, MAX_DATA_BYTES } from "../../engine/protocol/messages.ts";
import { WorkerError } from "../../errors.ts";
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

/** Shortest time between two reports that are passed on: 30 a second. */
const INTERVAL_MS = 1000 / 30;
const MAX_READERS = 8;
const log = getLogger("stream");

export class DataOutput {
  readonly #onEvent: (event: DataEvent) => void;
  readonly #readers = new Set<DataReader>();
  /** The newest report while it waits for its turn. */
  #waiting: DataReport | null = null;
  /** Reports that nobody gets, since the last that was passed on. */
  #dropped = 0;
  /** Runs from a report that was passed on until the next one may be. */
  #interval: Timer | null = null;
  #isOver = false;
  #hasWarned = false;

  /** `onEvent` is called with every report that is passed on. */
  constructor(onEvent: (event: DataEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** Takes a report from the engine; it is passed on at once, or when its turn comes unless a newer one has come. */
  publish(report: DataReport): void {
    if (this.#isOver) return;
    if (this.#interval === null) {
      this.#passOn(report);
      this.#interval = setTimeout(() => this.#next(), INTERVAL_MS);
      return;
    }
    if (this.#waiting !== null) this.#dropped++;
    this.#waiting = report;
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
    if (this.#interval !== null) clearTimeout(this.#interval);
    if (this.#waiting !== null) this.#passOn(this.#waiting);
    this.#waiting = null;
    this.#isOver = true;
    for (const reader of this.#readers) reader.end();
  }

  #next(): void {
    this.#interval = null;
    const report = this.#waiting;
    this.#waiting = null;
    if (report !== null) this.publish(report);
  }

  #passOn({ id: _, ...report }: DataReport): void {
    const event = { ...report, timestamp: Date.now(), dropped: this.#dropped };
    const bytes = Buffer.byteLength(JSON.stringify(event));
    if (bytes > MAX_DATA_BYTES) {
      this.#dropped++;
      if (!this.#hasWarned)
        log.warn("data dropped: it is too long", { bytes, limit: MAX_DATA_BYTES });
      this.#hasWarned = true;
      return;
    }
    this.#dropped = 0;
    for (const reader of this.#readers) reader.offer(event);
    this.#onEvent(event);
  }
}

/** One reader of a stream's data. Dispose it when nobody reads any more. */
export class DataReader implements Disposable {
  readonly #leave: () => void;
  #newest: DataEvent | null = null;
  #isOver = false;
  #wake: (() => void) | null = null;

  /** @param leave called when it is disposed. */
  constructor(leave: () => void) {
    this.#leave = leave;
  }

  /** Replaces a report that has not been read. */
  offer(event: DataEvent): void {
    const missed = this.#newest === null ? 0 : this.#newest.dropped + 1;
    this.#newest = { ...event, dropped: event.dropped + missed };
    this.#wake?.();
  }

  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  /** The newest report that has not been read; waits for one up to `patienceMs`. One call at a time. */
  async read(patienceMs: number): Promise<DataRead> {
    if (this.#newest === null && !this.#isOver) await this.#change(patienceMs);
    const event = this.#newest;
    this.#newest = null;
    return event ?? (this.#isOver ? "end" : "nothing");
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
