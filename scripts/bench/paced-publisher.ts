/** Publishes a clip as a live encoder would: access units in real time, one segment a second. */
import { TricklePublisher } from "../../src/trickle/client/publisher.ts";
import { CLIP_FPS, SEGMENT_FRAMES } from "./clip.ts";

export interface PacedPublisher extends AsyncDisposable {
  /** Sends units as `pace` does. */
  play(units: Iterable<Uint8Array>, signal?: AbortSignal): Promise<number[]>;
  /** Ends the segment at once, so that its last frame need not wait for the next one. The next unit begins another. */
  endSegment(): void;
}

/** Creates the channel. Disposing ends the last segment and deletes the channel. */
export async function openPacedPublisher(url: string): Promise<PacedPublisher> {
  const signal = new AbortController().signal;
  const options = { contentType: "video/mp2t", create: true, signal };
  const publisher = await TricklePublisher.open({ url }, options);
  const writer = publisher.writable.getWriter();
  let frame = 0;
  return {
    play: (units, stop) =>
      pace(units, (data) => writer.write({ data, first: frame++ % SEGMENT_FRAMES === 0 }), stop),
    endSegment() {
      frame = 0;
      publisher.publishEmptySegment();
    },
    async [Symbol.asyncDispose]() {
      await publisher.close();
      await publisher.deleteChannel();
    },
  };
}

/**
 * Writes units at 30 a second until they end or `signal` aborts. Returns the `performance.now()` just before each was
 * written, so that every byte of it left later. A unit that is late is written at once, and none is left out.
 */
export async function pace<T>(
  units: Iterable<T>,
  write: (unit: T) => Promise<unknown>,
  signal?: AbortSignal,
): Promise<number[]> {
  const sent: number[] = [];
  const begun = performance.now();
  for (const unit of units) {
    const wait = begun + (sent.length * 1000) / CLIP_FPS - performance.now();
    if (wait > 0) await Bun.sleep(wait);
    if (signal?.aborted) break;
    sent.push(performance.now());
    await write(unit);
  }
  return sent;
}
