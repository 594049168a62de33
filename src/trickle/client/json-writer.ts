/** Hides how whole messages are published, one a segment: a POST connected ahead, retries, and never an empty segment. */
import { reason, WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { pause } from "../../streams/pause.ts";
import { nextSeq } from "./channel-requests.ts";
import type { TrickleEndpoint } from "./request.ts";
import { type PostOutcome, SegmentPost } from "./segment-post.ts";

/** How writing ended: by its owner, by the other side (closed or removed), or by a failure that no retry mends. */
export type WriterEnd =
  | { readonly kind: "finished" }
  | { readonly kind: "closed" }
  | { readonly kind: "lost"; readonly error: WorkerError };

export interface JsonWriterOptions {
  readonly contentType: string;
  /** Messages that may wait for the channel. Default 16. */
  readonly queueLength?: number;
  /** The channel is lost when nothing was stored for so long after a first failure. Default 30000. */
  readonly giveUpMs?: number;
  /** `close` waits so long for what is queued. Default 1000. */
  readonly closeMs?: number;
}

interface Message {
  readonly text: string;
  readonly kept: boolean;
}

const DEFAULTS = { queueLength: 16, giveUpMs: 30_000, closeMs: 1000 };
/** A message is small: a peer that does not answer for so long is not there. */
const STALL_MS = 5000;
/** A connection that was well for so long begins a new count of failures. */
const CALM_MS = 5000;
const QUEUE_BYTES = 16 * 1024 * 1024;
const log = getLogger("trickle");

/**
 * Writes to a channel that exists: it is never created here. A message that was not acknowledged is sent again, so it
 * may come twice. Connects at once; nothing here ever waits for the network but `close`.
 */
export class JsonWriter {
  /** Never rejects. */
  readonly ended: Promise<WriterEnd>;
  readonly #endpoint: TrickleEndpoint;
  readonly #options: Required<JsonWriterOptions>;
  readonly #queue: Message[] = [];
  readonly #cut = new AbortController();
  #changed = Promise.withResolvers<void>();
  #state: "open" | "closing" | "over" = "open";
  #failures = 0;
  #failingSince: number | null = null;

  constructor(endpoint: TrickleEndpoint, options: JsonWriterOptions) {
    this.#endpoint = endpoint;
    this.#options = { ...DEFAULTS, ...options };
    this.ended = this.#run().finally(() => {
      this.#state = "over";
      this.#queue.length = 0;
    });
  }

  /**
   * Queues one segment, not empty. When too many wait the oldest is dropped, a `kept` one last.
   * After the end it does nothing.
   */
  send(text: string, { kept = false } = {}): void {
    if (this.#state !== "open") return;
    this.#queue.push({ text, kept });
    if (this.#queue.length > this.#options.queueLength) {
      const droppable = this.#queue.findIndex((message) => !message.kept);
      this.#queue.splice(Math.max(0, droppable), 1);
    }
    this.#wake();
  }

  /** Sends what is queued, as far as that goes within `closeMs`, and leaves the channel as it is. Never throws. */
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

  /** Where to go on is asked at the start and after each failure: the server may have our last bytes, or be new. */
  async #run(): Promise<WriterEnd> {
    let seq: number | null = null;
    let met = false;
    let reset = false;
    while (!this.#cut.signal.aborted) {
      let failure: string;
      const since = performance.now();
      try {
        if (seq === null) {
          const signal = AbortSignal.any([this.#cut.signal, AbortSignal.timeout(STALL_MS)]);
          seq = await nextSeq(this.#endpoint, signal);
          met = true;
          reset = seq > 0;
        }
        const outcome = await this.#publish(seq, reset);
        switch (outcome.kind) {
          case "nothing":
            return { kind: "finished" };
          case "stored":
            this.#failingSince = null;
            this.#failures = 0;
            seq++;
            reset = false;
            continue;
          case "closed":
            return { kind: "closed" };
          case "refused":
            if (outcome.status === 404) return { kind: "closed" };
            return this.#lost(`segment ${seq}: status ${outcome.status} ${outcome.answer}`.trim());
          case "discarded":
            failure = `the server closed segment ${seq}`;
            break;
          case "failed":
            failure = outcome.message;
            break;
          default:
            return outcome satisfies never;
        }
      } catch (error) {
        if (error instanceof WorkerError) return met ? { kind: "closed" } : { kind: "lost", error };
        failure = reason(error);
      }
      seq = null;
      if (performance.now() - since > CALM_MS) this.#failingSince = null;
      if (!(await this.#mayTryAgain(failure)))
        return this.#lost(`nothing was stored for ${this.#options.giveUpMs} ms: ${failure}`);
    }
    return { kind: "finished" };
  }

  /** One segment, connected before there is something to say. */
  async #publish(seq: number, reset: boolean): Promise<PostOutcome | { kind: "nothing" }> {
    const { contentType } = this.#options;
    const limits = { queueBytes: QUEUE_BYTES, stallMs: STALL_MS };
    const post = new SegmentPost(this.#endpoint, { seq, contentType, reset, ...limits });
    const cut = () => post.abort("publishing has ended");
    this.#cut.signal.addEventListener("abort", cut, { once: true });
    try {
      if (this.#queue.length === 0 && this.#state === "open") {
        const outcome = await Promise.race([post.settled, this.#changed.promise]);
        if (outcome !== undefined) return outcome;
      }
      const message = this.#queue.shift();
      if (message === undefined) {
        // Ending its body would make an empty segment, which some readers take for the channel's end.
        post.abort("nothing to write");
        return { kind: "nothing" };
      }
      post.write(Buffer.from(message.text));
      post.end();
      const outcome = await post.settled;
      if (outcome.kind !== "stored") this.#queue.unshift(message);
      return outcome;
    } finally {
      this.#cut.signal.removeEventListener("abort", cut);
    }
  }

  /** The one owner of retries: waits a jittered, growing pause. */
  async #mayTryAgain(failure: string): Promise<boolean> {
    this.#failingSince ??= performance.now();
    if (performance.now() - this.#failingSince > this.#options.giveUpMs) return false;
    if (this.#failures++ === 0)
      log.warn("messages are not taken", { channel: this.#endpoint.url, error: failure });
    const step = Math.min(2000, 50 * 2 ** this.#failures);
    await pause(step * (0.5 + Math.random() / 2), this.#cut.signal);
    return true;
  }

  #lost(message: string): WriterEnd {
    const error = new WorkerError("output_lost", `channel ${this.#endpoint.url}: ${message}`);
    return { kind: "lost", error };
  }
}
