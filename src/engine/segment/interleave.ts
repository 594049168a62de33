/** Joins audio and video before the segmenter (architecture.md 7). */
import type { EncodedAudio, EncodedVideo, OutputPacket } from "../../media/encoded-packet.ts";
import type { Ticks } from "../../media/time.ts";

/** The longest that one side waits for the other. */
const MAX_WAIT_MS = 500;

/** The audio that goes with the pictures. */
export interface AudioTrack {
  readonly packets: ReadableStream<EncodedAudio>;
  /** True once the input is known to have audio. */
  expected(): boolean;
  /** `performance.now()` at which a packet with this pts is due, as its picture is. */
  dueAt(pts: Ticks): number;
}

/**
 * Passes video at once. Audio waits until the video has reached its time, but at most 500 ms from when it
 * is due, so that it is not ahead by the time that inference takes, nor by a burst that is being played out.
 * The first picture waits as long for the first audio, if some is expected, so that the first segment
 * already has its track. When the video has ended, the audio after it leaves, too; audio without any video
 * is dropped. Ends when both have ended; fails with whatever either side fails with.
 */
export function interleave(
  video: ReadableStream<EncodedVideo>,
  track: AudioTrack,
): ReadableStream<OutputPacket> {
  let wake: () => void = () => {};
  const changed = (): void => wake();
  const videoHead = new Peekable(video, changed);
  const audioHead = new Peekable(track.packets, changed);
  let started = false;
  let reached = Number.NEGATIVE_INFINITY;

  /** When an item stops waiting. A picture that has been made is due. */
  const leavesAt = ({ kind, pts, arrivedAt }: OutputPacket): number =>
    (kind === "audio" ? Math.max(arrivedAt, track.dueAt(pts)) : arrivedAt) + MAX_WAIT_MS;

  /** The item that may leave now, or the time at which one may. */
  const choose = (now: number): OutputPacket | { until: number } => {
    const { item: frame } = videoHead;
    const { item: packet } = audioHead;
    const overdue = (item: OutputPacket): boolean => now >= leavesAt(item);
    if (!started) {
      if (!frame) return { until: Number.POSITIVE_INFINITY };
      started = packet !== null || audioHead.ended || !track.expected() || overdue(frame);
      if (!started) return { until: leavesAt(frame) };
      // The first audio leaves first: the segmenter has to know its format when it begins.
      return packet ? audioHead.take(packet) : videoHead.take(frame);
    }
    if (packet && (packet.pts <= reached || videoHead.ended || overdue(packet))) {
      return audioHead.take(packet);
    }
    if (frame) {
      reached = frame.pts;
      return videoHead.take(frame);
    }
    return { until: packet ? leavesAt(packet) : Number.POSITIVE_INFINITY };
  };

  return new ReadableStream<OutputPacket>(
    {
      async pull(controller) {
        for (;;) {
          if (videoHead.error) throw videoHead.error.reason;
          if (audioHead.error) throw audioHead.error.reason;
          if (videoHead.ended && (audioHead.ended || !started)) {
            controller.close();
            return audioHead.cancel();
          }
          const next = choose(performance.now());
          if ("kind" in next) return controller.enqueue(next);
          await new Promise<void>((resolve) => {
            const wait = next.until - performance.now();
            const timer = Number.isFinite(wait)
              ? setTimeout(resolve, Math.max(0, wait))
              : undefined;
            wake = () => {
              clearTimeout(timer);
              resolve();
            };
          });
        }
      },
      async cancel(reason) {
        await Promise.all([videoHead.cancel(reason), audioHead.cancel(reason)]);
        changed();
      },
    },
    { highWaterMark: 0 },
  );
}

/** A stream whose next item can be looked at before it is taken. */
class Peekable<T> {
  /** Null while nothing has arrived, and after the end. */
  item: T | null = null;
  ended = false;
  error: { readonly reason: unknown } | null = null;
  readonly #next: () => Promise<{ done: boolean; value?: T | undefined }>;
  readonly #cancel: (reason: unknown) => Promise<void>;
  readonly #changed: () => void;

  constructor(stream: ReadableStream<T>, changed: () => void) {
    const reader = stream.getReader();
    this.#next = () => reader.read();
    this.#cancel = (reason) => reader.cancel(reason);
    this.#changed = changed;
    this.#read();
  }

  /** Returns `item`, the one that was peeked at, and reads the next one. */
  take(item: T): T {
    this.item = null;
    this.#read();
    return item;
  }

  /** Never rejects: the failure of the other end has already been seen. */
  async cancel(reason?: unknown): Promise<void> {
    await this.#cancel(reason).catch(() => {});
  }

  #read(): void {
    this.#next().then(
      ({ done, value }) => {
        this.ended = done;
        this.item = value ?? null;
        this.#changed();
      },
      (reason) => {
        this.error = { reason };
        this.#changed();
      },
    );
  }
}
