import { expect, test } from "bun:test";
import { subscribe } from "../../../src/trickle/client/subscriber.ts";
import { readMedia } from "../../support/clip-reader.ts";
import { synthetic } from "../../support/clip-synthetic.ts";
import { hostTrickle } from "../../support/trickle-host.ts";
import { ClipFeed } from "./clip-feed.ts";
import type { InputContainer } from "./input-feed.ts";

/** Two groups of pictures of a fifth of a second. */
const CLIP = {
  parts: [{ width: 128, height: 96, frames: 10 }],
  fps: 25,
  gop: 5,
  start: 90_000,
  audio: { codec: "aac" },
} as const;

for (const container of ["mpegts", "fmp4", "matroska"] satisfies InputContainer[]) {
  test.concurrent(`a feed of ${container} repeats its clip with rising times, and time goes on under a fault`, async () => {
    await using host = hostTrickle();
    const url = host.url("feed");
    await using feed = await ClipFeed.open({ url, container, media: await synthetic(CLIP) });
    const signal = AbortSignal.timeout(20_000);
    const starts: number[] = [];
    let bytes: Uint8Array[] = [];
    for await (const { data, last } of subscribe({ url }, { signal, start: 0 })) {
      bytes.push(data);
      if (!last) continue;
      const segment = Uint8Array.from(Buffer.concat(bytes));
      bytes = [];
      const { video, audio } = await readMedia(segment);
      expect(video?.packets.length).toBe(5);
      expect(audio?.packets.length).toBeGreaterThan(5);
      starts.push(video?.packets[0]?.pts ?? -1);
      if (starts.length === 3) feed.replace((_, n) => (n < 8 ? null : [segment, segment]));
      if (starts.length > 3 && starts.at(-1) === starts.at(-2)) break;
    }
    // Two segments of 0.2 s a loop, then one twice that a fault has put in their place.
    expect(starts.slice(0, 3)).toEqual([90_000, 108_000, 126_000]);
    expect(starts.slice(-2)).toEqual([126_000, 126_000]);
    expect(feed.sent).toBeLessThan(7); // the fault sent nothing first
  });
}
