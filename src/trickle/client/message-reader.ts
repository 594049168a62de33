/** Reads a channel of small messages, whole and in order, also across outages of its server. */
import { answerTimeout } from "../../answer-timeout.ts";
import { WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { describeFailure } from "../../request-failure.ts";
import { pause } from "../../streams/pause.ts";
import { Backoff } from "./backoff.ts";
import { nextSeq, ServerBusy } from "./channel-requests.ts";
import { channelHost, describeMs } from "./describe.ts";
import { MessagePosition } from "./message-position.ts";
import type { TrickleEndpoint, TrickleResponse } from "./request.ts";
import { askOnce } from "./segment-request.ts";
import { SilenceTimer } from "./silence-timer.ts";

/** One segment, never empty. */
export type ReadMessage =
  | { readonly kind: "text"; readonly seq: number; readonly text: string }
  /** Longer than `maxBytes`: not read. */
  | { readonly kind: "too_large"; readonly seq: number; readonly bytes: number };

export interface ReadMessagesOptions {
  readonly signal: AbortSignal;
  /** Largest message in bytes. */
  readonly maxBytes: number;
  /** The message to begin with, or the oldest that there is after it. Default: the newest. */
  readonly start?: number;
  /** Failures in a row are retried for this long. Default 30000. */
  readonly giveUpMs?: number;
}

const GIVE_UP_MS = 30_000;
const ASK_TIMEOUT_MS = 5000;
/** A waiting GET is replaced this often, since a dead connection looks the same; so is one whose message has stopped. */
const SILENCE_MS = 5000;
/** A message that breaks off is asked for again for so long, and at least so often. */
const BREAKS_MS = 5000;
const MIN_BREAKS = 5;
/** The channel has ended when the server does not know it so often in a row; a server that restarts says it once. */
const MAX_NOT_FOUND = 2;
const NOT_FOUND_WAIT_MS = 250;
const log = getLogger("trickle");

/**
 * Reads the channel's messages from `start` on, without jumps, waiting without limit. Ends when the other side closed
 * or removed the channel. Throws `channel_refused` if the channel never existed, `input_lost` if its segments are refused
 * or cannot be had for `giveUpMs`, and the signal's reason.
 *
 * @example
 * for await (const message of readMessages({ url: controlUrl }, { signal, maxBytes: 1024 * 1024 }))
 *   if (message.kind === "text") handle(JSON.parse(message.text));
 */
export function readMessages(
  endpoint: TrickleEndpoint,
  options: ReadMessagesOptions,
): AsyncGenerator<ReadMessage, void, void> {
  return new MessageReader(endpoint, options).read();
}

class MessageReader {
  readonly #endpoint: TrickleEndpoint;
  readonly #options: ReadMessagesOptions;
  readonly #giveUpMs: number;
  readonly #backoff: Backoff;
  #notFound = 0;
  /** The message that breaks off: since when, and how often. */
  #broken = { seq: -1, since: 0, times: 0 };

  constructor(endpoint: TrickleEndpoint, options: ReadMessagesOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#giveUpMs = options.giveUpMs ?? GIVE_UP_MS;
    this.#backoff = new Backoff(this.#giveUpMs);
  }

  async *read(): AsyncGenerator<ReadMessage, void, void> {
    const { signal } = this.#options;
    const position = new MessagePosition(await this.#first());
    for (;;) {
      const answer = await askOnce(this.#endpoint, position.seq, signal, SILENCE_MS);
      switch (answer.kind) {
        case "segment": {
          const message = await this.#take(position, answer.response);
          if (message !== null) yield message;
          break;
        }
        case "missing": {
          const latest = answer.latest ?? (await this.#latest());
          if (latest === "ended") return;
          if (latest !== null) await pause(position.missing(latest), signal);
          break;
        }
        case "refresh": {
          this.#backoff.succeed(); // it was connected
          // A server that cannot say its number is asked again with the next refresh.
          const latest = await this.#latest(async () => {});
          if (latest === "ended") return;
          if (latest !== null) await pause(position.waited(latest), signal);
          break;
        }
        case "not_found": {
          const latest = await this.#latest();
          if (latest === "ended") return;
          if (latest !== null) await this.#failed(answer.error);
          break;
        }
        case "closed":
          return;
        case "busy":
          await this.#failed(new ServerBusy(answer.message));
          break;
        case "failed":
          await this.#failed(new Error(answer.message));
          break;
        case "lost":
          throw answer.error;
        default:
          answer satisfies never;
      }
    }
  }

  /** Where to begin. */
  async #first(): Promise<number> {
    const { start } = this.#options;
    for (;;) {
      const latest = await this.#ask().catch((error: unknown) => {
        if (error instanceof WorkerError) throw error;
        return this.#failed(error);
      });
      if (typeof latest !== "number") continue;
      return start !== undefined && latest >= start ? start : Math.max(0, latest - 1);
    }
  }

  /** The number that the server writes next; null if it could not be had, after what is to follow a failure. */
  async #latest(
    failed = (error: unknown) => this.#failed(error),
  ): Promise<number | "ended" | null> {
    try {
      const latest = await this.#ask();
      this.#notFound = 0;
      return latest;
    } catch (error) {
      if (!(error instanceof WorkerError)) await failed(error);
      else if (++this.#notFound >= MAX_NOT_FOUND) return "ended";
      else await pause(NOT_FOUND_WAIT_MS, this.#options.signal);
      return null;
    }
  }

  async #ask(): Promise<number> {
    const { signal } = this.#options;
    signal.throwIfAborted();
    using late = answerTimeout(ASK_TIMEOUT_MS);
    return await nextSeq(this.#endpoint, AbortSignal.any([signal, late.signal]));
  }

  /** The message of this answer; null if it is none, after a pause where there must be one. */
  async #take(position: MessagePosition, response: TrickleResponse): Promise<ReadMessage | null> {
    const { seq } = position;
    const verdict = position.judge(response.seq, response.latest);
    if (verdict !== "wanted") {
      response.discard();
      if (verdict === "another") await this.#putOff(`segment ${response.seq} came for ${seq}`);
      return null;
    }
    const read = await this.#read(response).catch((error: unknown) => error);
    if (!isBody(read)) {
      await this.#broke(position, read);
      return null;
    }
    this.#backoff.succeed();
    this.#notFound = 0;
    const { bytes, parts } = read;
    if (bytes === 0) {
      await pause(position.empty(response.latest), this.#options.signal);
      return null;
    }
    position.done();
    if (parts === null) return { kind: "too_large", seq, bytes };
    return { kind: "text", seq, text: Buffer.concat(parts).toString("utf8") };
  }

  /** The whole body. Throws where it breaks off or stops. */
  async #read(response: TrickleResponse): Promise<Body> {
    const { maxBytes } = this.#options;
    let parts: Uint8Array[] | null = [];
    let bytes = 0;
    const silence = new SilenceTimer({ afterMs: SILENCE_MS, onSilence: () => response.discard() });
    silence.start();
    try {
      for await (const piece of response.chunks()) {
        silence.restart();
        bytes += piece.byteLength;
        if (bytes > maxBytes) parts = null;
        parts?.push(piece);
      }
    } finally {
      silence.dispose();
    }
    return { bytes, parts };
  }

  async #broke(position: MessagePosition, error: unknown): Promise<void> {
    const { signal } = this.#options;
    signal.throwIfAborted();
    const { seq } = position;
    const now = performance.now();
    if (this.#broken.seq !== seq) this.#broken = { seq, since: now, times: 0 };
    const why = describeFailure(error);
    if (++this.#broken.times < MIN_BREAKS || now - this.#broken.since < BREAKS_MS)
      return await this.#putOff(why);
    const channel = channelHost(this.#endpoint);
    log.warn("message given up: it breaks off", { channel, seq, error: why });
    position.done();
  }

  /** As `#putOff`, but throws `input_lost` after `giveUpMs` of failures, and the signal's reason. */
  async #failed(error: unknown): Promise<void> {
    this.#options.signal.throwIfAborted();
    const why = describeFailure(error);
    if (error instanceof ServerBusy) return await this.#putOff(why);
    if (!this.#backoff.fail()) {
      const since = `has failed for ${describeMs(this.#giveUpMs)}`;
      const message = `channel at ${channelHost(this.#endpoint)} ${since}: ${why}`;
      throw new WorkerError("input_lost", message, { cause: error });
    }
    await this.#wait(why);
  }

  /** Waits, the longer the more has failed. The server is alive: nothing is given up for this. */
  async #putOff(why: string): Promise<void> {
    this.#backoff.postpone();
    await this.#wait(why);
  }

  async #wait(why: string): Promise<void> {
    if (this.#backoff.failures === 1) {
      const channel = channelHost(this.#endpoint);
      log.warn("reading messages is failing", { channel, error: why });
    }
    await this.#backoff.wait(this.#options.signal);
  }
}

interface Body {
  readonly bytes: number;
  /** Null if there is more than is read. */
  readonly parts: readonly Uint8Array[] | null;
}

const isBody = (read: unknown): read is Body =>
  typeof read === "object" && read !== null && "parts" in read;
