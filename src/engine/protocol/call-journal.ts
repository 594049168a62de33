/**
 * Records which native calls an engine has begun and not finished, in memory shared with the server, so that the record
 * survives the engine's death.
 */

/** What an engine may crash in or hang in. `boot` is everything between an engine's first message and `ready`. */
const CALL_KINDS = [
  "boot",
  "probe",
  "load",
  "demux",
  "decode",
  "convert",
  "run",
  "encode",
] as const;
export type CallKind = (typeof CALL_KINDS)[number];

/** A call that has begun and not finished. */
export interface CallInFlight {
  readonly kind: CallKind;
  /** The number that the server gave the work which made the call; `ENGINE` for the engine's own calls. */
  readonly work: number;
  /** Its number among all calls of this engine: of two calls the one that began first has the lower. */
  readonly serial: number;
  /** Milliseconds after which it counts as hung. */
  readonly allowedMs: number;
}

/** The work number of calls that no stream or picture made. */
export const ENGINE = 0;

/** Bytes of memory that a journal needs. */
export const JOURNAL_BYTES = 8192;

const ENTRY_BYTES = 32;
const ENTRIES = JOURNAL_BYTES / ENTRY_BYTES;

/**
 * A table of entries, 32 bytes each: kind (u32, 0 = free), work number (u32), serial and allowed milliseconds (f64), 8
 * unused bytes. The kind is written last and cleared first, so that a reader never sees half an entry. It holds no times:
 * two processes share no clock but the wall's, which may be set at any moment. One process writes, any number read.
 */
export class CallJournal {
  readonly #integers: Uint32Array;
  readonly #doubles: Float64Array;
  readonly #entries: Entry[];
  readonly #free: Entry[];
  #lastSerial = 0;

  /** `memory`: at least `JOURNAL_BYTES`, aligned to 8 bytes, shared between the processes. */
  constructor(memory: Uint8Array) {
    const { buffer, byteOffset } = memory;
    this.#integers = new Uint32Array(buffer, byteOffset, JOURNAL_BYTES / 4);
    this.#doubles = new Float64Array(buffer, byteOffset, JOURNAL_BYTES / 8);
    this.#entries = Array.from({ length: ENTRIES }, (_, index) => new Entry(this, index));
    this.#free = this.#entries.toReversed();
  }

  /**
   * Records a call until the result is disposed. Allocates nothing, so it may be used per frame. With all entries taken
   * the call goes unrecorded.
   */
  begin(work: number, kind: CallKind, allowedMs: number): Disposable {
    const entry = this.#free.pop();
    if (entry === undefined) return UNRECORDED;
    this.#doubles[entry.index * 4 + 1] = ++this.#lastSerial;
    this.#doubles[entry.index * 4 + 2] = allowedMs;
    this.#integers[entry.index * 8 + 1] = work;
    this.#integers[entry.index * 8] = CALL_KINDS.indexOf(kind) + 1;
    return entry;
  }

  /** Where the work with this number records its calls. */
  callsOf(work: number): NativeCalls {
    return { begin: (kind, allowedMs) => this.begin(work, kind, allowedMs) };
  }

  /** Called by entries. */
  finish(entry: Entry): void {
    this.#integers[entry.index * 8] = 0;
    this.#free.push(entry);
  }

  /** The calls in flight, in no particular order. */
  inFlight(): CallInFlight[] {
    return this.#entries.flatMap(({ index }) => {
      const kind = CALL_KINDS[(this.#integers[index * 8] ?? 0) - 1];
      if (kind === undefined) return [];
      return {
        kind,
        work: this.#integers[index * 8 + 1] ?? ENGINE,
        serial: this.#doubles[index * 4 + 1] ?? 0,
        allowedMs: this.#doubles[index * 4 + 2] ?? 0,
      };
    });
  }
}

class Entry implements Disposable {
  readonly index: number;
  readonly #journal: CallJournal;

  constructor(journal: CallJournal, index: number) {
    this.#journal = journal;
    this.index = index;
  }

  [Symbol.dispose](): void {
    this.#journal.finish(this);
  }
}

const UNRECORDED: Disposable = { [Symbol.dispose]: () => {} };

/**
 * Where one piece of work records its calls.
 *
 * @example
 * using _call = calls.begin("decode", 10_000);
 * await context.sendPacket(packet);
 */
export interface NativeCalls {
  begin(kind: CallKind, allowedMs: number): Disposable;
}

/** For code that runs outside an engine, such as benchmarks. */
export const UNRECORDED_CALLS: NativeCalls = { begin: () => UNRECORDED };
