/** Tests that the simulated gateway's output check finds faults in segments, and none in valid ones. */
import { expect, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import type { ReadMedia } from "../support/clip-reader.ts";
import { readMedia } from "../support/clip-reader.ts";
import { OutputJudge } from "../support/gateway-output.ts";
import { inputLoop } from "../support/network-node.ts";
import { type MuxTrack, TsMuxer } from "../support/ts-muxer.ts";

quietLibav(); // the input is broken on purpose

const OPUS_HEAD = Buffer.from("4f707573486561640102000080bb0000000000", "hex");
const TRACKS: readonly MuxTrack[] = [
  { kind: "video" },
  {
    kind: "audio",
    codec: "opus",
    sampleRate: 48_000,
    channels: 2,
    frameSize: 960,
    extradata: OPUS_HEAD,
  },
];
/** Makes FFmpeg write tables at each segment's start instead of by its clock. */
const OPTIONS = { mpegts_flags: "pat_pmt_at_frames" };
const SEGMENTS = 4;

/** The input as a worker would send it, muxed continuously; `soundDelay` in ticks. */
async function segments({ soundDelay = 0, restart = -1 } = {}): Promise<Uint8Array[]> {
  const input = (await inputLoop("whip")).segments();
  const made: Uint8Array[] = [];
  let muxer = new TsMuxer(TRACKS, OPTIONS);
  for (let index = 0; index < SEGMENTS; index++) {
    if (index === restart) muxer = new TsMuxer(TRACKS, OPTIONS);
    const { video, audio }: ReadMedia = await readMedia(input.next().value.bytes);
    for (const packet of video?.packets ?? []) muxer.write(0, packet);
    for (const packet of audio?.packets ?? []) {
      const { pts, dts } = packet;
      muxer.write(1, { ...packet, pts: pts + soundDelay, dts: dts + soundDelay });
    }
    made.push(muxer.cut());
  }
  return made;
}

async function judged(made: readonly Uint8Array[], numbers = made.map((_, seq) => seq)) {
  const judge = new OutputJudge((await inputLoop("whip")).clapDelay);
  for (const [index, bytes] of made.entries()) await judge.take(numbers[index] ?? index, bytes);
  return judge;
}

test("a continuous muxer's segments have no faults: all frames, sound in step", async () => {
  const judge = await judged(await segments());
  expect([judge.breaks, judge.missing, judge.faults]).toEqual([[], [], []]);
  expect([judge.frames, judge.audioPackets]).toEqual([240, 400]);
  expect(judge.soundDelays).toHaveLength(2);
  for (const delay of judge.soundDelays) expect(Math.abs(delay)).toBeLessThan(0.001);
});

test("a delay of sound by 40 ms is measured", async () => {
  const judge = await judged(await segments({ soundDelay: 3600 }));
  for (const delay of judge.soundDelays) expect(delay).toBeCloseTo(0.04, 3);
  expect(judge.soundDelays).toHaveLength(2);
});

test("a new muxer, a skipped segment and an incomplete one are distinguished", async () => {
  expect((await judged(await segments({ restart: 2 }))).breaks[0]).toStartWith("segment 2: packet");
  const [first = NONE, second = NONE, third = NONE] = await segments();
  const skipped = await judged([first, third], [0, 2]);
  expect([skipped.breaks, skipped.missing]).toEqual([[], ["1 to 1"]]);
  const cut = await judged([first, second.subarray(0, 20_000)]);
  expect(cut.missing).toEqual(["segment 1 ends in mid-packet"]);
});

test("a segment that does not start with an IDR, and timestamps that go back, are faults", async () => {
  const [first = NONE, second = NONE] = await segments();
  const late = await judged([first, fromSecondPicture(second)]);
  expect(late.faults).toContain("segment 1 begins without NAL type 5");
  const back = await judged([second, first]);
  expect(back.faults[0]).toMatch(/^segment 1: pts \d+ after \d+$/);
});

const NONE = new Uint8Array(0);
const PACKET_BYTES = 188;

/** The segment from the tables of its second picture on. */
function fromSecondPicture(segment: Uint8Array): Uint8Array {
  const tables: number[] = [];
  for (let at = 0; at < segment.length; at += PACKET_BYTES) {
    const pid = (((segment[at + 1] ?? 0) & 0x1f) << 8) | (segment[at + 2] ?? 0);
    if (pid === 0) tables.push(at);
  }
  return segment.subarray(tables[1]);
}
