/** Publishes a clip as a live encoder would: access units in real time, one segment a second. */
import { TricklePublisher } from "../../src/trickle/client/publisher.ts";
import { CLIP_FPS, SEGMENT_FRAMES } from "./clip.ts";

export interface PacedPublisher extends AsyncDisposable {
  /**
   * Sends units at 30 a second until they end or `signal` aborts. Returns the `performance.now()` just before each was
   * written, so that every byte of it left later.
   */
  play(units: Iterable<Uint8Array>, signal?: AbortSignal): Promise<number[]>;
}

/** Creates the channel. Disposing ends the last segment and deletes the channel. */
export async function openPacedPublisher(url: string): Promise<PacedPublisher> {
  const signal = new AbortController().signal;
  const options = { contentType: "video/mp2t", create: true, signal };
  const publisher = await TricklePublisher.open({ url }, options);
  const writer = publisher.writable.getWriter();
  let frame = 0;
  return {
    async play(units, stop) {
      const sent: number[] = [];
      const begun = performance.now();
      for (const data of units) {
        const wait = begun + (sent.length * 1000) / CLIP_FPS - performance.now();
        if (wait > 0) await Bun.sleep(wait);
        if (stop?.aborted) break;
        sent.push(performance.now());
        await writer.write({ data, first: frame++ % SEGMENT_FRAMES === 0 });
      }
      return sent;
    },
    async [Symbol.asyncDispose]() {
      await publisher.close();
      await publisher.deleteChannel();
    },
  };
}
