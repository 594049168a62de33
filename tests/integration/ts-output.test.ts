/** MPEG-TS out of the whole pipeline, judged by its bytes and by FFmpeg's demuxer and decoders. */
import { describe, expect, test } from "bun:test";
import { TsDemuxer } from "../../src/engine/source/ts/demux.ts";
import { nalType, splitNals } from "../../src/media/annex-b.ts";
import { builtInHost } from "../support/built-in-host.ts";
import { decodeMedia } from "../support/clip-reader.ts";
import { counterBreaks, seenPackets, seenUnits } from "../support/ts-reader.ts";
import { bySegment, bytesOf } from "../support/ts-segmenter-run.ts";
import { type TsStream, tsStream } from "../support/ts-stream.ts";

const VIDEO = 0x100;
const AUDIO = 0x101;
/** 20 ms. */
const IN_STEP = 1800;

const host = await builtInHost("identity");
const withOpus = await tsStream(host, { sound: { codec: "opus" }, bFrames: 2 });

const bytesOfStream = ({ run }: TsStream): Uint8Array => bytesOf(run.fragments);

describe("the segments", () => {
  test("begin with PAT, PMT and an IDR picture; PIDs and map never change, counters never break", () => {
    const segments = bySegment(withOpus.run.fragments);
    expect(segments.length).toBe(4);
    for (const packets of segments) {
      expect(packets.slice(0, 3).map(({ pid }) => pid)).toEqual([0, 0x1000, VIDEO]);
      const nals = splitNals(seenUnits(packets, VIDEO)[0]?.data ?? new Uint8Array(0));
      expect(nals.map(nalType).filter((type) => type !== 6)).toEqual([9, 7, 8, 5]);
      // Constrained baseline: profile_idc 66 and constraint_set1_flag.
      expect([nals[1]?.[1], (nals[1]?.[2] ?? 0) & 0x40]).toEqual([66, 0x40]);
    }
    const packets = segments.flat();
    expect(counterBreaks(packets)).toEqual([]);
    expect(new Set(packets.map(({ pid }) => pid))).toEqual(new Set([0, 0x1000, VIDEO, AUDIO]));
    const maps = packets.filter(({ pid }) => pid === 0x1000).map(({ payload }) => [...payload]);
    expect(maps).toEqual(Array(4).fill(maps[0]));
  });

  test("hold every picture at its time, decodable, without B-frames", async () => {
    const { video } = await decodeMedia(bytesOfStream(withOpus));
    const times = Array.from({ length: 240 }, (_, index) => 90_000 + 3000 * index);
    expect(video?.frames.map(({ pts }) => pts)).toEqual(times);
    expect(video?.packets.map(({ pts }) => pts)).toEqual(times);
    expect(video?.packets.map(({ dts }) => dts)).toEqual(times);
    expect(video?.frames.some(({ corrupt }) => corrupt)).toBe(false);
  });

  test("each decode alone", async () => {
    for (const segment of withOpus.run.segments) {
      const { video } = await decodeMedia(segment);
      expect(video?.packets[0]?.keyFrame).toBe(true);
      expect(video?.frames.length).toBe(60);
    }
  });

  test("give each access unit with the fragment that ends it, not with the next", () => {
    const demuxer = new TsDemuxer();
    let pictures = 0;
    for (const { data, pts, arrivedAt } of withOpus.run.fragments) {
      const kind = arrivedAt === null ? "audio" : "video";
      const found = demuxer.push(data, 0);
      if (kind === "video") pictures++;
      // The first picture waits for the second: until then its sender may split pictures over PES.
      if (kind === "video" && pictures === 1) expect(found).toEqual([]);
      else expect(found.slice(pictures === 2 ? -1 : 0)).toMatchObject([{ kind, pts }]);
    }
  });
});

describe("over the whole stream", () => {
  test("a new size opens a new encoder and begins a segment; counters and map do not notice", async () => {
    const parts = [
      { width: 128, height: 96, frames: 70 },
      { width: 192, height: 108, frames: 70 },
    ];
    const stream = await tsStream(host, { parts, sound: { codec: "opus" } });
    const packets = seenPackets(bytesOfStream(stream));
    expect(counterBreaks(packets)).toEqual([]);
    const maps = packets.filter(({ pid }) => pid === 0x1000).map(({ payload }) => String(payload));
    expect(new Set(maps).size).toBe(1);
    const { video } = await decodeMedia(bytesOfStream(stream));
    expect(video?.frames.map(({ width }) => width)).toEqual([
      ...Array(70).fill(128),
      ...Array(70).fill(192),
    ]);
    expect(stream.run.segments.length).toBe(4);
  });

  test("stamps wrap at 33 bits and readers go on", async () => {
    const start = 2 ** 33 - 90_000;
    const stream = await tsStream(host, { start, sound: { codec: "opus" } });
    const units = seenUnits(seenPackets(bytesOfStream(stream)), VIDEO);
    expect(units.map(({ pts }) => pts)).toEqual(
      Array.from({ length: 240 }, (_, index) => (start + 3000 * index) % 2 ** 33),
    );
    const { video, audio } = await decodeMedia(bytesOfStream(stream));
    for (const track of [video, audio]) {
      const times = track?.packets.map(({ pts }) => pts) ?? [];
      expect(times.length).toBeGreaterThanOrEqual(240);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    }
  });
});

describe("sound", () => {
  test("in Opus is copied, every packet with its stamp", () => {
    const sent = withOpus.input.audio?.packets ?? [];
    const units = seenUnits(seenPackets(bytesOfStream(withOpus)), AUDIO);
    const read = new TsDemuxer().push(bytesOfStream(withOpus), 0);
    const heard = read.filter(({ kind }) => kind === "audio");
    expect(units.length).toBe(sent.length);
    expect(heard.map(({ pts }) => Number(pts))).toEqual(sent.map(({ pts }) => pts));
    expect(
      heard.every(({ data }, index) => Buffer.from(data).equals(sent[index]?.data ?? data)),
    ).toBe(true);
  });

  test("AAC audio becomes Opus and shifts by less than 20 ms, or stays AAC on request", async () => {
    for (const [audio, codecName] of [
      ["auto", "opus"],
      ["copy", "aac"],
      ["aac", "aac"],
    ] as const) {
      const stream = await tsStream(host, { sound: { codec: "aac" }, audio });
      const sent = stream.input.audio?.packets ?? [];
      const { video, audio: heard } = await decodeMedia(bytesOfStream(stream));
      expect(heard?.codecName).toContain(codecName);
      const [first, last] = [heard?.packets.at(0)?.pts ?? 0, heard?.packets.at(-1)?.pts ?? 0];
      expect(Math.abs(first - (sent.at(0)?.pts ?? 0))).toBeLessThanOrEqual(IN_STEP);
      expect(Math.abs(last - (sent.at(-1)?.pts ?? 0))).toBeLessThanOrEqual(IN_STEP);
      expect(video?.frames.length).toBe(240);
      expect(stream.run.troubles).toEqual([]);
      expect(counterBreaks(seenPackets(bytesOfStream(stream)))).toEqual([]);
    }
  });

  test("is left out of map and stream where it is not wanted", async () => {
    const stream = await tsStream(host, { sound: { codec: "opus" }, audio: "none" });
    const pids = seenPackets(bytesOfStream(stream)).map(({ pid }) => pid);
    expect(new Set(pids)).toEqual(new Set([0, 0x1000, VIDEO]));
  });
});
