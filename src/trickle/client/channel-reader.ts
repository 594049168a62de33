/** Reads a channel segment after segment: asks ahead, follows jumps, and leaves segments that stall (protocol.md 4.3). */
import { getLogger } from "../../log.ts";
import { describeFailure } from "../../request-failure.ts";
import { pause } from "../../streams/pause.ts";
import { channelHost } from "./describe.ts";
import type { TrickleEndpoint, TrickleResponse } from "./request.ts";
import { copySegment, type IncomingChunk } from "./segment-copy.ts";
import { askSegment, type SegmentRequest } from "./segment-request.ts";

export interface ChannelReaderOptions {
  readonly signal: AbortSignal;
  readonly start: number;
  readonly maxLag: number;
  readonly readTimeoutMs: number;
  readonly refreshMs: number;
  readonly giveUpMs: number;
  readonly known: boolean;
  /** Delivers a chunk; resolves when the consumer has room for another. */
  readonly emit: (chunk: IncomingChunk) => Promise<void>;
}

/** A server holds this many segments, or one fewer (protocol.md 4.2). */
const HELD_SEGMENTS = 5;
const BEHIND_WAIT_MS = 250;
const BEHIND_LIMIT_MS = 2000;
const NOT_FOUND_WAIT_MS = 250;
const EMPTY_WAIT_MS = 100;
/** A segment that breaks off unread is asked for this often in a row. */
const MAX_BREAKS = 5;
/** Segments that break off are logged this often at most. */
const REPORT_MS = 10_000;
const log = getLogger("trickle");

export class ChannelReader {
  readonly #endpoint: TrickleEndpoint;
  readonly #options: ChannelReaderOptions;
  #behindSince: number | undefined;
  /** Everything before this number was read, or is of no interest. */
  #unread: number;
  #breaks = 0;
  /** Answers in a row that brought no bytes. */
  #emptyAnswers = 0;
  #notFound = 0;
  /** `performance.now()` of the last line about a segment that broke off, and how many have since. */
  #reportedAt = Number.NEGATIVE_INFINITY;
  #unreported = 0;
  /** The channel has answered: if it is gone after that, it has ended. */
  #existed: boolean;

  constructor(endpoint: TrickleEndpoint, options: ChannelReaderOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#existed = options.known;
    this.#unread = options.start >= 0 ? options.start : Number.POSITIVE_INFINITY;
  }

  /** Resolves at the end of the channel. Throws `input_lost`, or the signal's reason. */
  async run(): Promise<void> {
    let request = this.#ask(this.#options.start);
    try {
      for (;;) {
        const answer = await request.answer;
        switch (answer.kind) {
          case "closed":
            return;
          case "not_found":
            if (!this.#existed) throw answer.error;
            // A restarting server, or a proxy in front of it, may answer 404 once.
            if (++this.#notFound > 1) return;
            await pause(NOT_FOUND_WAIT_MS, this.#options.signal);
            request = this.#ask(request.seq);
            break;
          case "lost":
            throw answer.error;
          case "missing":
            this.#existed = true;
            this.#notFound = 0;
            request = this.#ask(await this.#afterMissing(request.seq, answer.latest));
            break;
          case "segment":
            this.#existed = true;
            this.#notFound = 0;
            request = await this.#deliver(request.seq, answer.response);
            break;
          default:
            answer satisfies never;
        }
      }
    } finally {
      request.cancel();
    }
  }

  #ask(seq: number): SegmentRequest {
    const { signal, refreshMs } = this.#options;
    const giveUpMs = this.#existed ? this.#options.giveUpMs : 0;
    return askSegment(this.#endpoint, seq, { signal, refreshMs, giveUpMs });
  }

  /** Delivers one segment; returns the request to continue with. */
  async #deliver(asked: number, response: TrickleResponse): Promise<SegmentRequest> {
    this.#behindSince = undefined;
    const seq = response.seq ?? (asked >= 0 ? asked : Math.max(0, (response.latest ?? 1) - 1));
    const lag = (response.latest ?? seq) - seq;
    if (asked >= 0 && lag > this.#options.maxLag) {
      const channel = channelHost(this.#endpoint);
      log.warn("too far behind, jumping to the newest segment", { channel, seq, lag });
      response.discard();
      return this.#ask(-2);
    }
    if (seq < asked) {
      // The reader is past this one.
      response.discard();
      await this.#afterEmptyAnswer();
      return this.#ask(asked);
    }
    const next = this.#ask(seq + 1);
    const { signal, readTimeoutMs, emit } = this.#options;
    const outcome = await copySegment({
      seq,
      response,
      next,
      signal,
      readTimeoutMs,
      emit,
      askAgain: (leave) => this.#askAgain(seq, leave),
      onBreak: (error) => this.#reportBreak(seq, error),
    }).catch((error: unknown) => {
      next.cancel();
      throw error;
    });
    if (outcome === "broke_unread" && ++this.#breaks < MAX_BREAKS) {
      next.cancel();
      await pause(300 + Math.random() * 200, signal);
      return this.#ask(seq);
    }
    this.#unread = seq + 1;
    if (outcome === "empty") await this.#afterEmptyAnswer();
    if (outcome === "delivered") this.#emptyAnswers = 0;
    if (outcome !== "broke_unread") this.#breaks = 0;
    return next;
  }

  /** An answer without bytes came. A server may give some in a row; after those it is asked less often. */
  async #afterEmptyAnswer(): Promise<void> {
    if (++this.#emptyAnswers > HELD_SEGMENTS) await pause(EMPTY_WAIT_MS, this.#options.signal);
  }

  /** A segment that broke off, from its start; null if it is gone or too old by now, or `leave` aborts. */
  async #askAgain(seq: number, leave: AbortSignal): Promise<TrickleResponse | null> {
    const request = this.#ask(seq);
    const cancel = () => request.cancel();
    leave.addEventListener("abort", cancel, { once: true });
    const answer = await request.answer;
    leave.removeEventListener("abort", cancel);
    if (answer.kind !== "segment") return null;
    const { response } = answer;
    const lag = (response.latest ?? seq) - seq;
    if ((response.seq ?? seq) === seq && lag <= this.#options.maxLag) return response;
    response.discard();
    return null;
  }

  /** A source that fails with every segment is reported now and then. */
  #reportBreak(seq: number, error: unknown): void {
    this.#unreported++;
    const now = performance.now();
    if (now - this.#reportedAt < REPORT_MS) return;
    const times = this.#unreported > 1 ? { times: this.#unreported } : {};
    const channel = channelHost(this.#endpoint);
    log.warn("segment broke off", { channel, seq, error: describeFailure(error), ...times });
    this.#reportedAt = now;
    this.#unreported = 0;
  }

  /** Where to continue after a 470 (protocol.md 4.3): back to what may have been read only after waiting. */
  async #afterMissing(seq: number, latest: number | null): Promise<number> {
    const isAhead = latest !== null && latest > seq && seq >= 0;
    // An earlier answer led too far ahead by mistake: nothing is repeated by going back.
    const isUnread = latest !== null && latest < seq && latest >= this.#unread;
    if (isAhead || isUnread) {
      this.#behindSince = undefined;
      await this.#afterEmptyAnswer();
      return latest;
    }
    this.#behindSince ??= performance.now();
    const waited = performance.now() - this.#behindSince;
    if (waited >= BEHIND_LIMIT_MS) {
      this.#behindSince = undefined;
      return latest ?? -1;
    }
    await pause(BEHIND_WAIT_MS, this.#options.signal);
    return seq;
  }
}
