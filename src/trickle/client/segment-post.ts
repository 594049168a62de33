/** Hides one segment's POST: a body that is fed while the request runs, its watchdog, and what its end means. */
import { reason } from "../../errors.ts";
import { type TrickleEndpoint, type TrickleResponse, trickleRequest } from "./request.ts";

/** How a POST ended (protocol.md 4.3). */
export type PostOutcome =
  | { readonly kind: "stored" }
  /** Answered 200 before the body ended: the server closed the segment and wants no more of it. */
  | { readonly kind: "discarded" }
  /** `Lp-Trickle-Closed`: the other side ended the channel. */
  | { readonly kind: "closed" }
  /** A status that no retry will change. */
  | { readonly kind: "refused"; readonly status: number; readonly answer: string }
  /** 5xx, reset, timeout: this segment is lost, the channel perhaps not. */
  | { readonly kind: "failed"; readonly message: string };

export interface SegmentPostOptions {
  readonly seq: number;
  readonly contentType: string;
  /** Asks the server to close what a predecessor left open. */
  readonly reset: boolean;
  /** Bytes that may wait for the socket before `full`. */
  readonly queueBytes: number;
  /** Longest silence of the peer while bytes or the answer are due. */
  readonly stallMs: number;
}

/**
 * One POST, connected as soon as it is made and silent until the first `write`.
 * Its own connection; ends through `end` (answered) or `abort` (reset), and `settled` tells how.
 */
export class SegmentPost {
  readonly seq: number;
  /** Never rejects. */
  readonly settled: Promise<PostOutcome>;
  readonly #stop = new AbortController();
  readonly #queueBytes: number;
  readonly #stallMs: number;
  #body!: ReadableStreamDefaultController<Uint8Array>;
  #watchdog: NodeJS.Timeout | undefined;
  /** `ended`: the body is whole. `over`: fetch takes no more of it. */
  #state: "silent" | "sending" | "ended" | "over" = "silent";
  #touched = false;

  constructor(endpoint: TrickleEndpoint, options: SegmentPostOptions) {
    this.seq = options.seq;
    this.#queueBytes = options.queueBytes;
    this.#stallMs = options.stallMs;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#body = controller;
        },
        pull: () => this.#progressed(),
        cancel: () => {
          this.#state = "over";
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: options.queueBytes }),
    );
    this.settled = trickleRequest(endpoint, {
      method: "POST",
      path: `/${options.seq}`,
      headers: {
        "Content-Type": options.contentType,
        ...(options.reset ? { "Lp-Trickle-Reset": "1" } : {}),
      },
      body,
      signal: this.#stop.signal,
    })
      .then(
        (response) => this.#outcome(response),
        (error: unknown): PostOutcome => ({ kind: "failed", message: reason(error) }),
      )
      .then((outcome) => this.#settle(outcome));
  }

  /** Bytes were handed to the socket, so a retry would publish them twice. */
  get touched(): boolean {
    return this.#touched;
  }

  /** The socket's queue holds its limit: what is written now only adds delay. */
  get full(): boolean {
    return this.#queued >= this.#queueBytes;
  }

  /** Hands bytes to the socket, not to be changed afterwards; false once the POST takes no more. */
  write(data: Uint8Array): boolean {
    if (this.#state === "ended" || this.#state === "over") return false;
    if (data.byteLength === 0) return true;
    this.#state = "sending";
    this.#touched = true;
    this.#body.enqueue(data);
    this.#watchdog ??= this.#startWatchdog();
    return true;
  }

  /** The segment is whole; without a `write` before, it is an empty one. */
  end(): void {
    if (this.#state === "ended" || this.#state === "over") return;
    this.#state = "ended";
    this.#body.close();
    this.#watchdog ??= this.#startWatchdog();
    this.#watchdog.refresh();
  }

  /** Resets the connection: the server keeps the segment open until it is deleted. */
  abort(why: string): void {
    this.#stop.abort(new DOMException(why, "AbortError"));
  }

  get #queued(): number {
    // Zero is also what a closed stream answers once its last byte is taken.
    const room = this.#body.desiredSize || (this.#state === "sending" ? 0 : this.#queueBytes);
    return this.#queueBytes - room;
  }

  #startWatchdog(): NodeJS.Timeout {
    return setTimeout(
      () => this.abort(`the peer took nothing and said nothing for ${this.#stallMs} ms`),
      this.#stallMs,
    );
  }

  #progressed(): void {
    if (this.#watchdog === undefined) return;
    if (this.#state === "sending" && this.#queued === 0) {
      clearTimeout(this.#watchdog);
      this.#watchdog = undefined;
    } else {
      this.#watchdog.refresh();
    }
  }

  async #outcome(response: TrickleResponse): Promise<PostOutcome> {
    const whole = this.#state === "ended";
    const { status, closed } = response;
    // An answer without an end must not hold a segment back: the head has said all.
    const answer = status === 200 ? "" : await response.text().catch(() => "");
    response.discard();
    if (closed) return { kind: "closed" };
    if (status === 200) return { kind: whole ? "stored" : "discarded" };
    if (status >= 500) return { kind: "failed", message: `status ${status} ${answer}`.trim() };
    return { kind: "refused", status, answer };
  }

  #settle(outcome: PostOutcome): PostOutcome {
    clearTimeout(this.#watchdog);
    // fetch leaves the body open on a refused connection; nobody will read it any more.
    if (this.#state === "silent" || this.#state === "sending") {
      this.#body.error(new DOMException("the request has ended", "AbortError"));
    }
    this.#state = "over";
    return outcome;
  }
}
