import { expect, test } from "bun:test";
import { TsArrivals } from "../../../../scripts/bench/ts-arrivals.ts";
import {
  AUDIO_PID,
  accessUnit,
  concat,
  H264,
  pes,
  tables,
  tsPackets,
} from "../../../support/ts-builder.ts";

const PTS = 2 ** 32 + 3000;
/** Three packets. */
const video = (pts: number): Uint8Array => concat(tsPackets(pes(accessUnit(500), { pts })));
const audio = concat(
  tsPackets(pes(new Uint8Array(300), { pts: 7, streamId: 0xc0 }), { pid: AUDIO_PID }),
);

test("a frame's first byte arrives with its first packet, its last with the last before the next frame", () => {
  const arrivals = new TsArrivals();
  const start = concat([...tables([H264]), video(PTS).subarray(0, 188)]);
  arrivals.push({ data: start, first: true, arrivedAt: 10 });
  arrivals.push({ data: video(PTS).subarray(188, 376), first: false, arrivedAt: 20 });
  arrivals.push({ data: video(PTS).subarray(376), first: false, arrivedAt: 30 });
  arrivals.push({ data: audio, first: false, arrivedAt: 40 });
  arrivals.push({ data: video(PTS + 3000), first: false, arrivedAt: 50 });
  expect([...arrivals.byPts]).toEqual([
    [PTS, { first: 10, last: 30 }],
    [PTS + 3000, { first: 50, last: 50 }],
  ]);
  expect(arrivals.newestPts).toBe(PTS + 3000);
});

test("a packet that two chunks share began with the first and ended with the second", () => {
  const arrivals = new TsArrivals();
  const bytes = concat([video(0), video(3000)]);
  const cuts = [0, 564 + 50, 564 + 100, bytes.length];
  for (const [index, from] of cuts.slice(0, -1).entries()) {
    const data = bytes.subarray(from, cuts[index + 1]);
    arrivals.push({ data, first: index === 0, arrivedAt: index });
  }
  expect([...arrivals.byPts]).toEqual([
    [0, { first: 0, last: 0 }],
    [3000, { first: 0, last: 2 }],
  ]);
});

test("what is left of a segment that broke off is not read as the start of the next", () => {
  const arrivals = new TsArrivals();
  arrivals.push({ data: video(0).subarray(0, 500), first: true, arrivedAt: 1 });
  arrivals.push({ data: video(3000), first: true, arrivedAt: 2 });
  expect([...arrivals.byPts]).toEqual([
    [0, { first: 1, last: 1 }],
    [3000, { first: 2, last: 2 }],
  ]);
  expect(arrivals.bytes).toBe(500 + 564);
});
