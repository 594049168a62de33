import { expect, test } from "bun:test";
import { Channel } from "../../../../src/trickle/server/channel.ts";
import { Quota } from "../../../../src/trickle/server/quota.ts";
import { SegmentMemory } from "../../../../src/trickle/server/segment-memory.ts";
import { sendSegment } from "../../../../src/trickle/server/send-segment.ts";
import { Transfers } from "../../../../src/trickle/server/transfers.ts";

test("a reader that leaves as the first byte arrives gives back what its request held", async () => {
  const options = { mime: "", memory: new SegmentMemory(), maxSegmentBytes: 1024 };
  const channel = new Channel(options);
  const segment = channel.segmentToWrite(0);
  const leave = new AbortController();
  let ends = 0;
  const sending = sendSegment({
    channel,
    segment,
    latest: 0,
    signal: leave.signal,
    transfers: new Transfers(),
    disconnect() {},
    onEnd: () => ends++,
  });
  leave.abort();
  segment.write(new TextEncoder().encode("x"), new Quota({ limit: 10_000 }));
  await sending;
  expect(ends).toBe(1);
});
