import { describe, expect, test } from "bun:test";
import { TsDemuxer } from "../../../../src/engine/source/ts/demux.ts";
import { ticks } from "../../../../src/media/time.ts";
import { aac, frames } from "../../../support/mp4-segments.ts";
import { counterBreaks, seenUnits } from "../../../support/ts-reader.ts";
import { bytesOf, opus, segmentTs } from "../../../support/ts-segmenter-run.ts";

const PMT = 0x1000;
const AUDIO = 0x101;

/** The map's section, from the first entry on, without its CRC. */
const mapOf = ({ packets }: Awaited<ReturnType<typeof segmentTs>>): number[] => {
  const map = packets.find(({ pid }) => pid === PMT)?.payload ?? new Uint8Array(0);
  return [...map.subarray(13, 1 + 3 + (map[3] ?? 0) - 4)];
};
const H264_ENTRY = [0x1b, 0xe1, 0x00, 0xf0, 0];
const OPUS_ENTRY = [0x06, 0xe1, 0x01, 0xf0, 10, 5, 4, 0x4f, 0x70, 0x75, 0x73, 0x7f, 2, 0x80];

describe("audio in the program map", () => {
  test("Opus has a registration and its channel count", async () => {
    for (const channels of [1, 2]) {
      const run = await segmentTs([opus(0, { channels }), ...frames(0, 3)]);
      expect(mapOf(run)).toEqual([...H264_ENTRY, ...OPUS_ENTRY, channels]);
    }
  });

  test("AAC has a stream type of its own", async () => {
    const run = await segmentTs([aac(0), ...frames(0, 3)]);
    expect(mapOf(run)).toEqual([...H264_ENTRY, 0x0f, 0xe1, 0x01, 0xf0, 0]);
  });

  test("is announced from the first segment on if it is promised, and written when it arrives", async () => {
    const input = [...frames(0, 12), opus(15), opus(16)];
    const run = await segmentTs(input, { promisedAudio: () => ({ codec: "opus", channels: 2 }) });
    expect(mapOf(run)).toEqual([...H264_ENTRY, ...OPUS_ENTRY, 2]);
    expect(seenUnits(run.packets, AUDIO).length).toBe(2);
    expect(run.troubles).toEqual([]);
  });

  test("that was not promised or has another codec is left out, which is reported once", async () => {
    for (const [first, later] of [
      [[], [opus(15), opus(16), opus(17)]],
      [[aac(0)], [opus(15), opus(16)]],
    ] as const) {
      const run = await segmentTs([...first, ...frames(0, 12), ...later, ...frames(20, 30)]);
      expect(seenUnits(run.packets, AUDIO).length).toBe(first.length);
      expect(run.troubles.map(({ kind }) => kind)).toEqual(["unsupported_media"]);
      expect(run.troubles[0]?.message).toContain("opus audio is left out");
      expect(run.fragments.filter(({ arrivedAt }) => arrivedAt !== null).length).toBe(22);
    }
  });
});

describe("audio packets", () => {
  test("each becomes a PES with its own timestamp and length, and is read back unchanged", async () => {
    const data = (size: number) => new Uint8Array(size).fill(7);
    const sizes = [1, 100, 168, 169, 170, 171, 254, 255, 256, 510, 1275];
    const packets = sizes.map((size, index) =>
      opus(index, { data: size > 1 ? Uint8Array.from([0xfc, ...data(size - 1)]) : data(1) }),
    );
    const run = await segmentTs([...frames(0, 1), ...packets], {
      promisedAudio: () => ({ codec: "opus", channels: 2 }),
    });
    const units = seenUnits(run.packets, AUDIO);
    expect(units.map(({ pts }) => pts)).toEqual(packets.map(({ pts }) => Number(pts)));
    expect(units.every(({ streamId, length }) => streamId === 0xbd && length > 0)).toBe(true);
    expect([...(units[7]?.data.subarray(0, 4) ?? [])]).toEqual([0x7f, 0xe0, 255, 0]);
    expect(counterBreaks(run.packets)).toEqual([]);
    const demuxer = new TsDemuxer();
    const read = run.fragments.flatMap((each) => demuxer.push(each.data, 0));
    const heard = read.filter(({ kind }) => kind === "audio");
    expect(heard.map((packet) => packet.data)).toEqual(packets.map((packet) => packet.data));
  });

  test("ADTS headers state the rate and channel count of AAC", async () => {
    for (const [sampleRate, channels] of [
      [48_000, 2],
      [44_100, 1],
      [22_050, 2],
      [96_000, 6],
    ] as const) {
      const packet = aac(1, { sampleRate, channels, data: new Uint8Array(700).fill(0x21) });
      const run = await segmentTs([packet, ...frames(0, 2)]);
      const [unit] = seenUnits(run.packets, AUDIO);
      expect(unit?.streamId).toBe(0xc0);
      const read = new TsDemuxer().push(bytesOf(run.fragments), 0);
      const heard = read.filter(({ kind }) => kind === "audio");
      expect(heard).toMatchObject([{ codec: "aac", sampleRate, channels, data: packet.data }]);
    }
  });

  test("from before the first picture wait for it; those that end before it are dropped", async () => {
    const early = [-3, -2, -1, 0, 1].map((index) => opus(index));
    const run = await segmentTs([...early, ...frames(0, 2)]);
    expect(run.fragments.map(({ first }) => first)).toEqual([true, false, false, false]);
    expect(seenUnits(run.packets, AUDIO).map(({ pts }) => pts)).toEqual([0, 1800]);
  });

  test("whose timestamps go back are dropped, not re-timed", async () => {
    const late = opus(2, { pts: ticks(1700) });
    const run = await segmentTs([...frames(0, 1), opus(0), opus(1), late, opus(3)], {
      promisedAudio: () => ({ codec: "opus", channels: 2 }),
    });
    expect(seenUnits(run.packets, AUDIO).map(({ pts }) => pts)).toEqual([0, 1800, 5400]);
  });
});
