/** Publishes a clip as fast as its frames come out elsewhere, one segment for each second of it. */
import { TricklePublisher } from "../../src/trickle/client/publisher.ts";
import { SEGMENT_FRAMES } from "./clip.ts";

/**
 * Frames under way. pytrickle needs more than a second of them: it probes its input, decodes a frame when the next but one begins,
 * and fills a buffer of 32 KB before it publishes.
 */
export const WINDOW_FRAMES = 60;
const POLL_MS = 5;
/** Without a new frame for so long, a run has failed. */
const STALL_MS = 20_000;

export interface UnpacedPublisher extends AsyncDisposable {
  /** Returns the `performance.now()` just before each unit was written. Throws when nothing comes out for 20 s. */
  play(units: Iterable<Uint8Array>): Promise<number[]>;
}

/**
 * Creates the channel. Disposing ends the last segment and deletes the channel.
 *
 * @param newest number of the newest frame that came out, -1 for none: those before it are not waited for
 */
export async function openUnpacedPublisher(
  url: string,
  newest: () => number,
): Promise<UnpacedPublisher> {
  const signal = new AbortController().signal;
  // What is sent waits for a busy server rather than being skipped.
  const limits = { slotMs: STALL_MS };
  const options = { contentType: "video/mp2t", create: true, limits, signal };
  const publisher = await TricklePublisher.open({ url }, options);
  const writer = publisher.writable.getWriter();
  return {
    async play(units) {
      const sent: number[] = [];
      for (const data of units) {
        const begun = performance.now();
        while (sent.length - 1 - newest() >= WINDOW_FRAMES) {
          if (performance.now() - begun > STALL_MS)
            throw new Error(
              `nothing came out for ${STALL_MS / 1000} s after ${sent.length} frames`,
            );
          await Bun.sleep(POLL_MS);
        }
        const first = sent.length % SEGMENT_FRAMES === 0;
        sent.push(performance.now());
        await writer.write({ data, first });
      }
      return sent;
    },
    async [Symbol.asyncDispose]() {
      await publisher.close();
      await publisher.deleteChannel();
    },
  };
}
