/** Sends one segment: a POST whose body is written while it runs, with a watchdog on the peer. */

import { describeFailure } from "../../request-failure.ts";
import { isTransient } from "./channel-requests.ts";
import { describeAnswer, describeMs } from "./describe.ts";
import { type TrickleEndpoint, type TrickleResponse, trickleRequest } from "./request.ts";
import { SilenceTimer } from "./silence-timer.ts";

/** How a POST ended (protocol.md 4.3). */
export type PostOutcome =
  | { readonly kind: "stored" }
  /** Answered 200 before the body ended: the server closed the segment and wants no more of it. */
  | { readonly kind: "discarded" }
  /** `Lp-Trickle-Closed`: the other side ended the channel. */
  | { readonly kind: "closed" }
  /** 404: there is no such channel. */
  | { readonly kind: "not_found"; readonly message: string }
  /** 470: the channel exists, but not with this segment; `latest` is the one to go on with. */
  | { readonly kind: "misnumbered"; readonly latest: number | null; readonly message: string }
  /** A 4xx that no retry will change. */
  | { readonly kind: "refused"; readonly message: string }
  /** 413: the server keeps what it has of this segment and takes no more of it. */
  | { readonly kind: "too_large"; readonly message: string }
  /** 503: the server takes no further request for now. */
  | { readonly kind: "busy"; readonly message: string }
  /** Another 5xx, a limit or a reset: this segment is lost, the channel perhaps not. */
  | { readonly kind: "failed"; readonly message: string }
  /** The peer took nothing and answered nothing for `stallMs`. The segment is lost as well. */
  | { readonly kind: "timed_out"; readonly message: string };

/** Bytes to send. A subtype may carry more, for `onTaken`. */
export interface PostChunk {
  /** Handed to the socket as it is: not to be changed after the write. */
  readonly data: Uint8Array;
}

export interface SegmentPostOptions<Chunk extends PostChunk> {
  readonly seq: number;
  readonly contentType: string;
  /** Asks the server to close what a predecessor left open. */
  readonly reset: boolean;
  /** Longest silence of the peer while bytes or the answer are due. */
  readonly stallMs: number;
  /** A chunk was handed to the socket, in the order of the writes. */
  readonly onTaken?: (chunk: Chunk) => void;
}

/**
 * One POST on a connection of its own, connected as soon as it is made and silent until the first `write`. It ends
 * through `end` (the server answers) or `abort` (a reset).
 */
export class SegmentPost<Chunk extends PostChunk = PostChunk> {
  readonly seq: number;
  /** Never rejects. */
  readonly settled: Promise<PostOutcome>;
  readonly #options: SegmentPostOptions<Chunk>;
  readonly #stop = new AbortController();
  readonly #watchdog: SilenceTimer;
  #queue: Chunk[] = [];
  #queuedBytes = 0;
  /** Fetch wants a chunk and there is none. */
  #waiting: PromiseWithResolvers<void> | undefined;
  /** `ended`: the body is complete. `over`: nothing more of it is sent. */
  #state: "silent" | "sending" | "ended" | "over" = "silent";
  #touched = false;
  #isTimedOut = false;

  constructor(endpoint: TrickleEndpoint, options: SegmentPostOptions<Chunk>) {
    const { seq, contentType, reset, stallMs } = options;
    this.seq = seq;
    this.#options = options;
    this.#watchdog = new SilenceTimer({
      afterMs: stallMs,
      onSilence: () => {
        this.#isTimedOut = true;
        this.abort(`the peer took nothing and answered nothing for ${describeMs(stallMs)}`);
      },
    });
    const request = trickleRequest(endpoint, {
      method: "POST",
      path: `/${seq}`,
      headers: { "Content-Type": contentType, ...(reset ? { "Lp-Trickle-Reset": "1" } : {}) },
      body: this.#body(),
      signal: this.#stop.signal,
    });
    this.settled = request
      .then(
        (response) => this.#outcome(response),
        (error: unknown): PostOutcome => ({
          kind: this.#isTimedOut ? "timed_out" : "failed",
          message: describeFailure(error),
        }),
      )
      .finally(() => {
        this.#watchdog.dispose();
        this.#takeNoMore(); // fetch leaves the body open when the connection is refused
      });
  }

  /** Bytes were written, so a retry could publish them twice. */
  get touched(): boolean {
    return this.#touched;
  }

  /** Bytes that wait for the socket. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Queues bytes for the socket; false once the POST takes no more. */
  write(chunk: Chunk): boolean {
    if (this.#state === "ended" || this.#state === "over") return false;
    if (chunk.data.byteLength === 0) return true;
    this.#state = "sending";
    this.#touched = true;
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.data.byteLength;
    this.#watchdog.start();
    this.#wake();
    return true;
  }

  /** The segment is complete. Without a `write` before, it is an empty one. */
  end(): void {
    if (this.#state === "ended" || this.#state === "over") return;
    this.#state = "ended";
    this.#watchdog.restart();
    this.#wake();
  }

  /** Resets the connection. The server keeps the segment open until it is deleted. */
  abort(why: string): void {
    this.#stop.abort(new DOMException(why, "AbortError"));
  }

  /** Returns what was never handed to the socket. Call it once the POST has settled. */
  takeUnsent(): Chunk[] {
    const unsent = this.#queue;
    this.#queue = [];
    return unsent;
  }

  /** Pulled by fetch, one chunk at a time, only while the socket has room. */
  #body(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          while (this.#queue.length === 0 && this.#state !== "ended" && this.#state !== "over") {
            this.#waiting = Promise.withResolvers<void>();
            await this.#waiting.promise;
          }
          if (this.#state === "over") return;
          const chunk = this.#queue.shift();
          if (chunk === undefined) {
            controller.close();
            return;
          }
          this.#queuedBytes -= chunk.data.byteLength;
          controller.enqueue(chunk.data);
          if (this.#state === "sending" && this.#queue.length === 0) this.#watchdog.stop();
          else this.#watchdog.restart();
          this.#options.onTaken?.(chunk);
        },
        cancel: () => this.#takeNoMore(),
      },
      { highWaterMark: 0 },
    );
  }

  async #outcome(response: TrickleResponse): Promise<PostOutcome> {
    const whole = this.#state === "ended" && this.#queue.length === 0;
    const { status, closed, latest } = response;
    // An answer without an end must not hold a segment back: its head says enough.
    this.#watchdog.restart();
    const text = status === 200 ? "" : await response.text().catch(() => "");
    response.discard();
    if (closed) return { kind: "closed" };
    if (status === 200) return { kind: whole ? "stored" : "discarded" };
    const message = describeAnswer(status, text);
    if (status === 404) return { kind: "not_found", message };
    if (status === 470) return { kind: "misnumbered", latest, message };
    if (status === 413) return { kind: "too_large", message };
    if (status === 503) return { kind: "busy", message };
    if (isTransient(status)) return { kind: "failed", message };
    return { kind: "refused", message };
  }

  #takeNoMore(): void {
    this.#state = "over";
    this.#wake();
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
