/** Publishes whole messages, one a segment: connects ahead, retries, and leaves no empty segment unless it is asked to. */
import { answerTimeout } from "../../answer-timeout.ts";
import { WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { describeFailure } from "../../request-failure.ts";
import { Backoff } from "./backoff.ts";
import { MAX_NOT_FOUND, REPORTED_CLOSURES } from "./channel-recovery.ts";
import { nextSeq, ServerBusy } from "./channel-requests.ts";
import { channelHost, describeMs } from "./describe.ts";
import { MessageQueue, type QueuedMessage } from "./message-queue.ts";
import type { TrickleEndpoint } from "./request.ts";
import { type PostOutcome, SegmentPost } from "./segment-post.ts";

/** How writing ended: by its owner, by the other side (closed or removed), or by a failure that no retry mends. */
export type WriterEnd =
  | { readonly kind: "finished" }
  | { readonly kind: "closed" }
  | { readonly kind: "lost"; readonly error: WorkerError };

export interface MessageWriterOptions {
  readonly contentType: string;
  /** Messages that may wait for the channel, 16 MiB in all. Default 16. */
  readonly queueLength?: number;
  /** After so long without a message an empty segment leaves, so that the channel does not count as idle. Default: never. */
  readonly emptySegmentMs?: number;
  /** The channel is lost when failures in a row last this long. Default 30000. */
  readonly giveUpMs?: number;
  /** A message is small: a peer that does not answer for this long is gone. Default 5000. */
  readonly stallMs?: number;
  /** `close` waits this long for what is queued. Default 1000. */
  readonly closeMs?: number;
}

const DEFAULTS = { queueLength: 16, giveUpMs: 30_000, stallMs: 5000, closeMs: 1000 };
/** Orchestrators refuse segments of 10,000,000 bytes (live-runner.md 6). */
const MAX_MESSAGE_BYTES = 8_000_000;
const log = getLogger("trickle");

/**
 * Writes to a channel that exists; it is never created here. A message that was not acknowledged is sent again, so it may
 * arrive twice. Connects at once. Only `close` ever waits for the network.
 *
 * @example
 * const events = new MessageWriter({ url: eventsUrl }, { contentType: "application/json" });
 * events.send(JSON.stringify({ event: "stream_started" }));
 * await events.close();
 */
export class MessageWriter {
  /** Never rejects. */
  readonly ended: Promise<WriterEnd>;
  readonly #endpoint: TrickleEndpoint;
  readonly #options: MessageWriterOptions & typeof DEFAULTS;
  readonly #queue: MessageQueue;
  readonly #backoff: Backoff;
  readonly #cut = new AbortController();
  #changed = Promise.withResolvers<void>();
  #state: "open" | "closing" | "over" = "open";
  #notFound = 0;
  /** `performance.now()` of the last segment: connections come and go while a channel is silent. */
  #storedAt = performance.now();
  /** For how long the last connection waited for a message. */
  #idleMs = 0;

  constructor(endpoint: TrickleEndpoint, options: MessageWriterOptions) {
    this.#endpoint = endpoint;
    this.#options = { ...DEFAULTS, ...options };
    this.#queue = new MessageQueue(this.#options.queueLength);
    this.#backoff = new Backoff(this.#options.giveUpMs);
    this.ended = this.#run().finally(() => {
      this.#state = "over";
      this.#queue.clear();
    });
  }

  /**
   * Queues one message, not empty. When too many wait the oldest is dropped, and one that is `kept` only if there is no
   * other. Does nothing after the end, nor with a message of more than 8,000,000 bytes.
   */
  send(text: string, { kept = false } = {}): void {
    if (this.#state !== "open") return;
    const data = Buffer.from(text);
    if (data.byteLength > MAX_MESSAGE_BYTES) {
      const [channel, bytes] = [channelHost(this.#endpoint), data.byteLength];
      log.warn("message dropped: it is too long", { channel, bytes, limit: MAX_MESSAGE_BYTES });
      return;
    }
    this.#queue.add({ data, kept });
    this.#wake();
  }

  /** Sends what is queued, as far as that is possible within `closeMs`, and leaves the channel open. Never throws. */
  async close(): Promise<void> {
    if (this.#state === "open") this.#state = "closing";
    this.#wake();
    const late = setTimeout(() => this.#cut.abort(), this.#options.closeMs);
    await this.ended;
    clearTimeout(late);
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** Asks for the next number at the start and after each failure: the server may have our last bytes, or be new. */
  async #run(): Promise<WriterEnd> {
    let seq: number | null = null;
    let existed = false;
    let reset = false;
    let isReported = false;
    let isDenied = false;
    while (!this.#cut.signal.aborted) {
      let problem: string;
      let isBusy = false;
      let mayBeTheEnd = false;
      this.#idleMs = 0;
      try {
        if (seq === null) {
          using late = answerTimeout(this.#options.stallMs);
          const signal = AbortSignal.any([this.#cut.signal, late.signal]);
          seq = await nextSeq(this.#endpoint, signal);
          existed = true;
          isDenied = false;
          reset = seq > 0;
        }
        const outcome = await this.#publish(seq, reset);
        switch (outcome.kind) {
          case "nothing":
            return { kind: "finished" };
          case "stored":
            this.#backoff.succeed();
            this.#notFound = 0;
            this.#storedAt = performance.now();
            seq++;
            reset = false;
            isReported = false;
            continue;
          case "closed":
            return { kind: "closed" };
          case "refused":
            return this.#lost(`segment ${seq} was refused with ${outcome.message}`);
          case "not_found":
            // A restarting server also answers 404; `/next` shows whether the channel still exists.
            if (++this.#notFound >= MAX_NOT_FOUND) return { kind: "closed" };
            mayBeTheEnd = true;
            problem = outcome.message;
            break;
          case "discarded":
            // Some servers answer this way when a channel ends; `/next` shows whether it has.
            mayBeTheEnd = true;
            problem = `the server closed segment ${seq}`;
            break;
          case "busy":
          case "failed":
          case "misnumbered":
          case "too_large":
          case "timed_out":
            isBusy = outcome.kind === "busy";
            problem = outcome.message;
            break;
          default:
            return outcome satisfies never;
        }
      } catch (error) {
        if (error instanceof WorkerError) {
          if (!existed) return { kind: "lost", error };
          // A restarting server, or a proxy in front of it, may say once that there is no such channel.
          if (isDenied) return { kind: "closed" };
          isDenied = mayBeTheEnd = true;
        }
        isBusy = error instanceof ServerBusy;
        problem = describeFailure(error);
      }
      seq = null;
      // A connection that waited for a message for so long starts a new count of failures.
      if (this.#idleMs > this.#options.stallMs) this.#backoff.succeed();
      if (isBusy) this.#backoff.postpone();
      else if (!this.#backoff.fail())
        return this.#lost(
          `nothing was stored for ${describeMs(this.#options.giveUpMs)}: ${problem}`,
        );
      // Who ends may find that the other side has ended first.
      const isOpen = this.#state === "open";
      if (isOpen && !isReported && (!mayBeTheEnd || this.#backoff.failures >= REPORTED_CLOSURES)) {
        isReported = true;
        const channel = channelHost(this.#endpoint);
        log.warn("sending messages is failing", { channel, error: problem });
      }
      await this.#backoff.wait(this.#cut.signal);
    }
    return { kind: "finished" };
  }

  /** Sends one message as a segment, which is connected before there is one. */
  async #publish(seq: number, reset: boolean): Promise<PostOutcome | { kind: "nothing" }> {
    const contentType = this.#options.contentType;
    const options = { seq, contentType, reset, stallMs: this.#options.stallMs };
    const post = new SegmentPost<QueuedMessage>(this.#endpoint, options);
    const cut = () => post.abort("publishing has ended");
    this.#cut.signal.addEventListener("abort", cut, { once: true });
    try {
      if (this.#queue.isEmpty && this.#state === "open") {
        const outcome = await this.#idle(post);
        if (outcome !== undefined) return outcome;
      }
      const message = this.#queue.take();
      if (message === undefined && this.#state !== "open") {
        // Ending its body would make an empty segment, which some readers take for the channel's end.
        post.abort("nothing to write");
        return { kind: "nothing" };
      }
      if (message !== undefined) post.write(message);
      post.end();
      const outcome = await post.settled;
      // What is too large for the server always will be.
      const isDone = outcome.kind === "stored" || outcome.kind === "too_large";
      if (message !== undefined && !isDone) this.#queue.putBack(message);
      return outcome;
    } finally {
      this.#cut.signal.removeEventListener("abort", cut);
    }
  }

  /** Waits for a message, the end, or the time for an empty segment. Returns how the POST ended, if it ended before. */
  async #idle(post: SegmentPost<QueuedMessage>): Promise<PostOutcome | undefined> {
    const quiet = Promise.withResolvers<undefined>();
    const { emptySegmentMs: afterMs = null } = this.#options;
    const leftMs = this.#storedAt + (afterMs ?? 0) - performance.now();
    const timer = afterMs === null ? null : setTimeout(() => quiet.resolve(undefined), leftMs);
    const since = performance.now();
    const outcome = await Promise.race([post.settled, this.#changed.promise, quiet.promise]);
    this.#idleMs = performance.now() - since;
    if (timer !== null) clearTimeout(timer);
    return outcome ?? undefined;
  }

  #lost(problem: string): WriterEnd {
    const message = `channel at ${channelHost(this.#endpoint)}: ${problem}`;
    return { kind: "lost", error: new WorkerError("output_lost", message) };
  }
}
