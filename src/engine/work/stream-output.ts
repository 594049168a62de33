/** Where a stream's segments go: hides the publisher, and what is noticed of each frame and segment that leaves. */
import type { Fragment } from "../../media/fragment.ts";
import { type PublisherStats, TricklePublisher } from "../../trickle/client/publisher.ts";
import type { Tick } from "../codec/video-frame.ts";
import type { Container, Endpoint, OutputChannel, Size } from "../protocol/work.ts";
import { ACCEPT_MS, isRemoved, refusalOf } from "./preflight.ts";

const CONTENT_TYPES = { fmp4: "video/mp4", mpegts: "video/mp2t" } as const;

export interface StreamOutputOptions {
  readonly container: Container;
  /** The channel was published to before, by an engine that died. */
  readonly resumed: boolean;
  /** Cuts everything off. */
  readonly signal: AbortSignal;
  /** The size of what follows: told before the first frame and at every change. */
  readonly onSize: (size: Size) => void;
  /** A segment that begins with this fragment leaves under this number. */
  readonly onSegment: (seq: number, start: Fragment) => void;
  /** A frame is in the socket's queue. */
  readonly onFrame: (frame: Tick) => void;
}

export class StreamOutput {
  /** Errors with `output_lost` when the channel is gone, also while nothing is written. */
  readonly writable: WritableStream<Fragment>;
  readonly #endpoint: Endpoint;
  readonly #publisher: TricklePublisher;
  readonly #owned: boolean;

  /** Makes sure that the channel takes us. Throws `channel_refused` naming `output`. */
  static async open(output: OutputChannel, options: StreamOutputOptions): Promise<StreamOutput> {
    const { container, resumed, signal, onSegment } = options;
    let start: Fragment | null = null;
    try {
      const publisher = await TricklePublisher.open(output.endpoint, {
        contentType: CONTENT_TYPES[container],
        create: output.lifecycle === "owned",
        resume: resumed,
        acceptTimeoutMs: ACCEPT_MS,
        signal,
        onSegment: ({ seq }) => start && onSegment(seq, start),
      });
      const onStart = (fragment: Fragment): void => {
        start = fragment;
      };
      return new StreamOutput(output, publisher, { ...options, onStart });
    } catch (error) {
      throw refusalOf("output", error);
    }
  }

  private constructor(
    { endpoint, lifecycle }: OutputChannel,
    publisher: TricklePublisher,
    options: StreamOutputOptions & { readonly onStart: (fragment: Fragment) => void },
  ) {
    this.#endpoint = endpoint;
    this.#publisher = publisher;
    this.#owned = lifecycle === "owned";
    const writer = publisher.writable.getWriter();
    let size: Size = { width: 0, height: 0 };
    this.writable = new WritableStream<Fragment>({
      start: (controller) => void writer.closed.catch((error) => controller.error(error)),
      write: async (fragment) => {
        const { first, width, height, pts, arrivedAt } = fragment;
        if (first) options.onStart(fragment);
        if (width !== size.width || height !== size.height) {
          size = { width, height };
          options.onSize(size);
        }
        await writer.write(fragment);
        if (arrivedAt !== null) options.onFrame({ pts, arrivedAt });
      },
      close: () => writer.close(),
      abort: (reason) => writer.abort(reason),
    });
  }

  get stats(): PublisherStats {
    return this.#publisher.stats;
  }

  /** Ends what is open; a channel of the stream's own is deleted, others never. Never throws. */
  async close(): Promise<void> {
    await this.#publisher.close();
    if (this.#owned) await this.#publisher.deleteChannel();
  }

  /** Once closed: true if the channel belongs to another side, which closed or removed it. */
  async wasRemoved(): Promise<boolean> {
    if (this.#owned) return false;
    const { kind } = await this.#publisher.ended;
    return kind === "closed_by_peer" || (kind === "lost" && (await isRemoved(this.#endpoint)));
  }
}
