/** Publishes a stream's segments to its output channel, and reports what becomes of each frame. */
import type { PlainError } from "../../errors.ts";
import type { Fragment } from "../../media/fragment.ts";
import type { PublisherObserver, PublisherStats } from "../../trickle/client/delivery.ts";
import { TricklePublisher } from "../../trickle/client/publisher.ts";
import {
  type Container,
  type Endpoint,
  LINGER_MS,
  type OutputChannel,
  type Size,
} from "../protocol/work.ts";
import { ACCEPT_MS, busyMsOf, isRemoved, isThere, refusalOf } from "./preflight.ts";
import type { StreamReporter } from "./stream-reporter.ts";

const CONTENT_TYPES = { fmp4: "video/mp4", mpegts: "video/mp2t" } as const;

export interface StreamOutputOptions {
  readonly container: Container;
  /** The channel was published to before, by an engine that died. */
  readonly resumed: boolean;
  /** Cuts everything off. */
  readonly signal: AbortSignal;
  /** Receives what becomes of each frame, and trouble with the channel. */
  readonly reporter: Pick<
    StreamReporter,
    "frameOut" | "frameUndelivered" | "fragmentOut" | "stageTook" | "trouble"
  >;
  /** The size of the frames that follow: called for the first segment and at every change. */
  readonly onSize: (size: Size) => void;
  /** A segment that begins with this fragment is published under this number. */
  readonly onSegment: (seq: number, start: Fragment) => void;
  /** The rest of a segment is lost, and the channel would take a new one. */
  readonly onSegmentWanted: () => void;
  readonly timing?: Partial<AdoptedTiming>;
}

/** What an adopted channel needs in time. */
export interface AdoptedTiming {
  /** From the end of the last segment to the deletion. Default `LINGER_MS`. */
  readonly lingerMs: number;
  /** Silence after which an empty segment keeps it from being swept as idle (live-runner.md 4.5). Default 60000. */
  readonly emptySegmentMs: number;
}

const TIMING: AdoptedTiming = { lingerMs: LINGER_MS, emptySegmentMs: 60_000 };

export class StreamOutput {
  readonly #endpoint: Endpoint;
  readonly #publisher: TricklePublisher<Fragment>;
  readonly #lifecycle: OutputChannel["lifecycle"];
  readonly #lingerMs: number;
  #closed: Promise<void> | null = null;

  /** Makes sure that the channel accepts us. Throws `channel_refused` naming `output`. */
  static async open(output: OutputChannel, options: StreamOutputOptions): Promise<StreamOutput> {
    const { container, resumed, signal } = options;
    const { emptySegmentMs, lingerMs } = { ...TIMING, ...options.timing };
    try {
      const publisher = await TricklePublisher.open<Fragment>(output.endpoint, {
        contentType: CONTENT_TYPES[container],
        create: output.lifecycle === "owned",
        resume: resumed,
        acceptTimeoutMs: ACCEPT_MS,
        busyTimeoutMs: busyMsOf(output),
        signal,
        observer: observerOf(options),
        ...(output.lifecycle === "adopted" && { emptySegmentMs }),
      });
      return new StreamOutput(output, publisher, lingerMs);
    } catch (error) {
      throw refusalOf("output", error);
    }
  }

  private constructor(
    { endpoint, lifecycle }: OutputChannel,
    publisher: TricklePublisher<Fragment>,
    lingerMs: number,
  ) {
    this.#endpoint = endpoint;
    this.#publisher = publisher;
    this.#lifecycle = lifecycle;
    this.#lingerMs = lingerMs;
  }

  /** Errors with `output_lost` when the channel is gone, also while nothing is written. */
  get writable(): WritableStream<Fragment> {
    return this.#publisher.writable;
  }

  get stats(): PublisherStats {
    return this.#publisher.stats;
  }

  /** Bytes that wait for the socket. */
  get queuedBytes(): number {
    return this.#publisher.queuedBytes;
  }

  /**
   * Ends what is open, and deletes the channel unless it was given: once, since a channel of the same name may be another
   * stream's by now. Never throws.
   *
   * @param beforeDeletion called before an adopted channel is deleted that nobody else has closed
   */
  async close(beforeDeletion: (() => void) | null): Promise<void> {
    this.#closed ??= this.#close(beforeDeletion);
    await this.#closed;
  }

  /**
   * Once closed: true if the other side, to which the channels belong, ended the stream by them. It closed or removed a given
   * output, or an adopted one and within a moment the input, too.
   */
  async wasReleased(input: Endpoint | undefined): Promise<boolean> {
    if (this.#lifecycle === "owned") return false;
    const { kind } = await this.#publisher.ended;
    const isGone =
      kind === "closed_by_peer" || (kind === "lost" && (await isRemoved(this.#endpoint)));
    if (!isGone || this.#lifecycle === "given") return isGone;
    if (input === undefined) return false;
    await Bun.sleep(this.#lingerMs);
    return await isRemoved(input);
  }

  async #close(beforeDeletion: (() => void) | null): Promise<void> {
    await this.#publisher.close();
    if (this.#lifecycle === "given") return;
    const { kind } = await this.#publisher.ended;
    if (this.#lifecycle === "adopted" && kind === "finished") {
      await Bun.sleep(this.#lingerMs);
      if (beforeDeletion !== null && (await isThere(this.#endpoint))) beforeDeletion();
    }
    await this.#publisher.deleteChannel();
  }
}

function observerOf({
  reporter,
  onSize,
  onSegment,
  onSegmentWanted,
}: StreamOutputOptions): PublisherObserver<Fragment> {
  let size: Size = { width: 0, height: 0 };
  return {
    segmentStarted(seq, start) {
      const { width, height } = start;
      if (width !== size.width || height !== size.height) {
        size = { width, height };
        onSize(size);
      }
      onSegment(seq, start);
    },
    chunkSent(fragment, sentAt) {
      const { pts, arrivedAt, encodedAt, width, height } = fragment;
      reporter.fragmentOut(fragment);
      if (encodedAt !== undefined) reporter.stageTook("publish", sentAt - encodedAt);
      if (arrivedAt !== null) reporter.frameOut({ pts, arrivedAt, width, height }, sentAt);
    },
    chunkDropped({ arrivedAt }) {
      if (arrivedAt !== null) reporter.frameUndelivered();
    },
    segmentWanted: onSegmentWanted,
    stalled: (silentMs) => reporter.trouble("output", stalledError(silentMs)),
    recovered: () => reporter.trouble("output", null),
  };
}

/** The server puts in the name of the caller's field. */
function stalledError(silentMs: number): PlainError {
  const problem = `the channel has taken nothing for ${silentMs / 1000} s; frames are dropped until it does`;
  return {
    kind: "output_lost",
    message: `output: ${problem}`,
    details: [{ field: "output", problem }],
  };
}
