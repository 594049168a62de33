/** Knows which message a reader wants next, whatever its server says about numbers (protocol.md 4.2, 4.3). */

/** A server holds this many segments, or one fewer. */
const HELD_SEGMENTS = 5;
/** From one try to the next. */
const AGAIN_MS = 100;
const WAIT_MS = 250;
/** A segment that the server should hold is asked for so long before it is passed over. */
const DOUBT_MS = 500;
/** A counter that moved back is believed after so long. */
const BEHIND_MS = 2000;

/** Whether a segment is the one that is wanted; `not_yet`: an older one may still be there, and is asked for first. */
export type Verdict = "wanted" | "not_yet" | "another";

/** Methods that return milliseconds want them to pass before `seq` is asked for. `latest` is the number to be written next. */
export class MessagePosition {
  /** The segment to ask for. */
  seq: number;
  /** The oldest that was not read; below `seq` where a server has said that it is gone. */
  #unread: number;
  /** That `#unread` was asked for again before a later one is read. */
  #confirmed: number | null = null;
  /** Where reading was when the counter seemed to have moved back. */
  #before: number | null = null;
  #doubt: { readonly seq: number; readonly since: number } | null = null;
  #behindSince: number | null = null;

  constructor(start: number) {
    this.seq = start;
    this.#unread = start;
  }

  /** The segment was read, or is given up. */
  done(): void {
    this.seq++;
    this.#unread = this.seq;
    this.#forget();
    this.#before = null;
  }

  /** The segment has no bytes. A server that closed it unwritten does not count it: another one of its number may come. */
  empty(latest: number | null): number {
    if (latest !== null && latest > this.seq) {
      this.done();
      return 0;
    }
    this.seq++;
    return WAIT_MS;
  }

  /** A segment came, with these numbers. */
  judge(seq: number | null, latest: number | null): Verdict {
    if (seq !== null && seq !== this.seq) return "another";
    const written = latest ?? this.seq;
    if (this.#before !== null && written >= this.#before) {
      this.#goBackTo(this.#before);
      return "not_yet";
    }
    const oldest = Math.max(this.#unread, written - HELD_SEGMENTS);
    if (oldest >= this.seq || this.#confirmed === this.#unread) return "wanted";
    this.#confirmed = this.#unread;
    this.seq = oldest;
    return "not_yet";
  }

  /** 470: the server does not have the segment. */
  missing(latest: number): number {
    if (latest > this.seq) return this.#ahead(latest);
    if (latest < this.seq) return this.#behind(latest);
    this.#behindSince = null;
    return WAIT_MS; // a server that does not wait for what comes next
  }

  /** The segment was waited for in vain. */
  waited(latest: number): number {
    if (latest < this.seq) return this.#behind(latest);
    // One that is followed by another will get no bytes any more.
    if (latest > this.seq + 1) this.done();
    else if (this.#unread < this.seq) this.seq = Math.max(this.#unread, latest - HELD_SEGMENTS);
    return 0;
  }

  #ahead(latest: number): number {
    this.#behindSince = null;
    if (this.#before !== null && latest >= this.#before) {
      this.#goBackTo(this.#before);
      return AGAIN_MS;
    }
    const oldest = latest - HELD_SEGMENTS;
    if (this.seq < oldest) {
      this.seq = oldest;
      return 0;
    }
    const now = performance.now();
    if (this.#doubt?.seq !== this.seq) this.#doubt = { seq: this.seq, since: now };
    if (now - this.#doubt.since >= DOUBT_MS) this.seq++;
    return AGAIN_MS;
  }

  #behind(latest: number): number {
    if (latest >= this.#unread) {
      // An earlier answer led here by mistake.
      this.seq = Math.max(this.#unread, latest - HELD_SEGMENTS);
      return AGAIN_MS;
    }
    this.#behindSince ??= performance.now();
    if (performance.now() - this.#behindSince < BEHIND_MS) return WAIT_MS;
    const before = this.#before ?? this.#unread;
    this.#goBackTo(Math.max(0, latest - HELD_SEGMENTS));
    this.#before = before;
    return 0;
  }

  #goBackTo(seq: number): void {
    this.seq = seq;
    this.#unread = seq;
    this.#before = null;
    this.#forget();
  }

  #forget(): void {
    this.#confirmed = null;
    this.#doubt = null;
    this.#behindSince = null;
  }
}
