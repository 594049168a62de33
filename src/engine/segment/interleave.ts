/** Sound joins picture before the segmenter (architecture.md 7). */
import type { AudioPacket, EncodedVideo, OutputPacket } from "../../media/encoded-packet.ts";
import type { Ticks } from "../../media/time.ts";

/** How long one side waits for the other. */
const MAX_WAIT_MS = 500;

/** The sound that goes along with pictures. */
export interface SoundTrack {
  readonly packets: ReadableStream<AudioPacket>;
  /** True once some is known to come. */
  expected(): boolean;
  /** `performance.now()` at which a packet with this pts is due, as its picture is; not before it has come. */
  dueAt(pts: Ticks): number;
}

/**
 * Picture passes at once; sound waits until the picture has caught up with it, 500 ms at most from when it
 * is due, so that it does not run ahead by what inference takes, nor by a burst that plays out. The first
 * picture waits as long for the first sound where some is expected, so that the first segment already has
 * its track.
 * When the picture has ended, the sound that follows it leaves too; sound that never met a picture does
 * not. Ends when both have ended; fails with whatever either side fails with.
 */
export function interleave(
  video: ReadableStream<EncodedVideo>,
  track: SoundTrack,
): ReadableStream<OutputPacket> {
  let wake: () => void = () => {};
  const changed = (): void => wake();
  const picture = new Head(video, changed);
  const sound = new Head(track.packets, changed);
  let started = false;
  let reached = Number.NEGATIVE_INFINITY;

  /** When it has waited enough. A picture has been made, so it is due. */
  const leavesAt = ({ kind, pts, arrivedAt }: OutputPacket): number =>
    (kind === "audio" ? Math.max(arrivedAt, track.dueAt(pts)) : arrivedAt) + MAX_WAIT_MS;

  /** What may leave now, or the time at which something may. */
  const choose = (now: number): OutputPacket | { until: number } => {
    const { item: frame } = picture;
    const { item: packet } = sound;
    const overdue = (item: OutputPacket): boolean => now >= leavesAt(item);
    if (!started) {
      if (!frame) return { until: Number.POSITIVE_INFINITY };
      started = packet !== null || sound.ended || !track.expected() || overdue(frame);
      if (!started) return { until: leavesAt(frame) };
      // The first sound goes in front: the segmenter has to know of it before it begins.
      return packet ? sound.take(packet) : picture.take(frame);
    }
    if (packet && (packet.pts <= reached || picture.ended || overdue(packet))) {
      return sound.take(packet);
    }
    if (frame) {
      reached = frame.pts;
      return picture.take(frame);
    }
    return { until: packet ? leavesAt(packet) : Number.POSITIVE_INFINITY };
  };

  return new ReadableStream<OutputPacket>(
    {
      async pull(controller) {
        for (;;) {
          if (picture.error) throw picture.error.reason;
          if (sound.error) throw sound.error.reason;
          if (picture.ended && (sound.ended || !started)) {
            controller.close();
            return sound.cancel();
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
        await Promise.all([picture.cancel(reason), sound.cancel(reason)]);
        changed();
      },
    },
    { highWaterMark: 0 },
  );
}

/** The next item of a stream, read ahead. */
class Head<T> {
  /** Null while the stream has nothing, and after its end. */
  item: T | null = null;
  ended = false;
  error: { readonly reason: unknown } | null = null;
  readonly #next: () => Promise<{ done: boolean; value?: T | undefined }>;
  readonly #leave: (reason: unknown) => Promise<void>;
  readonly #changed: () => void;

  constructor(stream: ReadableStream<T>, changed: () => void) {
    const reader = stream.getReader();
    this.#next = () => reader.read();
    this.#leave = (reason) => reader.cancel(reason);
    this.#changed = changed;
    this.#read();
  }

  /** Gives out `item`, which is the head, and reads the next one. */
  take(item: T): T {
    this.item = null;
    this.#read();
    return item;
  }

  /** Never rejects: the other end's failure is known already. */
  async cancel(reason?: unknown): Promise<void> {
    await this.#leave(reason).catch(() => {});
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
