/** Decides what follows a failed POST: a pause, closing what broke off, asking where to go on, or giving up. */
import { answerTimeout } from "../../answer-timeout.ts";
import { WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { describeFailure } from "../../request-failure.ts";
import { Backoff } from "./backoff.ts";
import { closeSegment, nextSeq, ServerBusy } from "./channel-requests.ts";
import { channelHost, describeMs } from "./describe.ts";
import type { TrickleEndpoint } from "./request.ts";

export interface ChannelRecoveryOptions {
  /** The channel is lost when failures in a row last this long. */
  readonly giveUpMs: number;
  /** Ends all waiting; nothing is called any more. */
  readonly signal: AbortSignal;
  /** Connect again. `seq`: the number to go on with, where it has changed. */
  readonly onReady: (seq: number | undefined) => void;
  readonly onLost: (problem: string) => void;
  /** The other side has ended the channel. */
  readonly onClosed: () => void;
}

/** The channel is gone after this many answers in a row that it does not exist (protocol.md 4.5). */
export const MAX_NOT_FOUND = 3;
const ASK_TIMEOUT_MS = 2000;
/** A warning is logged after this many segments in a row that the server closed or did not know: it also answers this way when a channel ends. */
export const REPORTED_CLOSURES = 3;
const log = getLogger("trickle");

/** The one owner of a publisher's retries. */
export class ChannelRecovery {
  readonly #endpoint: TrickleEndpoint;
  readonly #options: ChannelRecoveryOptions;
  readonly #backoff: Backoff;
  /** Segments that broke off: their readers wait until the server is told to close them. */
  readonly #broken = new Set<number>();
  #notFound = 0;
  /** The server's counter may have moved: ask where to go on. */
  #ask = false;
  #seq: number | undefined;
  #running = false;
  /** The server closed the latest segment itself. */
  #wasClosed = false;
  #isReported = false;

  constructor(endpoint: TrickleEndpoint, options: ChannelRecoveryOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#backoff = new Backoff(options.giveUpMs);
  }

  /** Between a failure and the next `onReady`. */
  get isRunning(): boolean {
    return this.#running;
  }

  /** A segment was stored. */
  succeed(): void {
    this.#backoff.succeed();
    this.#notFound = 0;
    this.#wasClosed = false;
    this.#isReported = false;
  }

  /** A POST failed. `broken`: the segment of which the server has a part. */
  fail(problem: string, { broken }: { readonly broken?: number } = {}): void {
    if (broken !== undefined) this.#broken.add(broken);
    this.#retry(problem);
  }

  /**
   * The server closed a segment itself, perhaps with the channel: not every server says so in its answer. `isUnused`: it was
   * to wait for our first byte, so its counter is elsewhere.
   */
  failClosed(problem: string, { isUnused }: { readonly isUnused: boolean }): void {
    if (isUnused) this.#ask = true;
    this.#wasClosed = true;
    this.#retry(problem);
  }

  /** A POST was answered 413: only its segment is lost, so the next one is connected at once. `broken` as for `fail`. */
  failTooLarge(problem: string, { broken }: { readonly broken?: number } = {}): void {
    if (broken !== undefined) this.#broken.add(broken);
    this.#retry(problem, "at once");
  }

  /** A POST was answered 503: retried without giving up. `broken` as for `fail`. */
  failBusy(problem: string, { broken }: { readonly broken?: number } = {}): void {
    if (broken !== undefined) this.#broken.add(broken);
    this.#postpone(problem);
  }

  /**
   * A POST was answered 404. A restarting server, or a proxy that does not know the channel yet, also answers 404: the
   * channel is lost only if the answer is repeated.
   */
  failNotFound(problem: string): void {
    // The second POST that is open fails with the first one.
    if (!this.#running && ++this.#notFound >= MAX_NOT_FOUND) {
      this.#options.onLost(`it was closed or removed by the other side (${problem})`);
      return;
    }
    this.#ask = true;
    this.#retry(problem);
  }

  /** A POST was answered 470: its channel is there. `latest`: the number that the server wants, if it said so. */
  failMisnumbered(problem: string, latest: number | null): void {
    this.#notFound = 0;
    if (latest === null) this.#ask = true;
    else this.#seq = latest;
    this.#retry(problem);
  }

  #retry(problem: string, when: "at once" | "later" = "later"): void {
    const { giveUpMs, onLost, signal } = this.#options;
    const mayRetry = this.#backoff.fail();
    const mayBeTheEnd = this.#wasClosed || this.#notFound > 0;
    if (!mayBeTheEnd || this.#backoff.failures >= REPORTED_CLOSURES) this.#report(problem);
    if (!mayRetry) onLost(`nothing was stored for ${describeMs(giveUpMs)}: ${problem}`);
    else if (!this.#running)
      void this.#recover(when === "later" ? this.#backoff.wait(signal) : Promise.resolve());
  }

  #postpone(problem: string): void {
    this.#backoff.postpone();
    this.#report(problem);
    if (!this.#running) void this.#recover(this.#backoff.wait(this.#options.signal));
  }

  /** Once until a segment is stored again. */
  #report(problem: string): void {
    if (this.#isReported) return;
    this.#isReported = true;
    log.warn("publishing is failing", { channel: channelHost(this.#endpoint), error: problem });
  }

  async #recover(pause: Promise<void>): Promise<void> {
    const { signal, onReady } = this.#options;
    this.#running = true;
    await pause;
    try {
      for (const seq of this.#broken) {
        await closeSegment(this.#endpoint, seq);
        this.#broken.delete(seq);
      }
      if (this.#ask && !signal.aborted) {
        using late = answerTimeout(ASK_TIMEOUT_MS);
        this.#seq = await nextSeq(this.#endpoint, AbortSignal.any([signal, late.signal]));
        this.#ask = false;
        this.#wasClosed = false; // the channel is there
      }
      this.#running = false;
    } catch (error) {
      this.#running = false;
      if (signal.aborted) return;
      if (error instanceof WorkerError && this.#wasClosed) this.#options.onClosed();
      else if (error instanceof WorkerError) this.failNotFound(error.message);
      else if (error instanceof ServerBusy) this.#postpone(error.message);
      else this.#retry(describeFailure(error));
      return;
    }
    const seq = this.#seq;
    this.#seq = undefined;
    if (!signal.aborted) onReady(seq);
  }
}
