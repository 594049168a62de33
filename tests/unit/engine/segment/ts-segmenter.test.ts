import { describe, expect, test } from "bun:test";
import { TsDemuxer } from "../../../../src/engine/source/ts/demux.ts";
import { nalType, splitNals } from "../../../../src/media/annex-b.ts";
import { ticks } from "../../../../src/media/time.ts";
import { FORMAT, frames, PPS, SPS, video } from "../../../support/mp4-segments.ts";
import { counterBreaks, seenUnits } from "../../../support/ts-reader.ts";
import { bySegment, opus, segmentTs, sized } from "../../../support/ts-segmenter-run.ts";

const PAT = 0;
const PMT = 0x1000;
const VIDEO = 0x100;
const AUDIO = 0x101;

describe("a segment", () => {
  test("begins at every key frame with PAT, PMT and an IDR picture behind its parameter sets", async () => {
    const { fragments } = await segmentTs(frames(0, 25));
    expect(fragments.map(({ first }) => first)).toEqual(
      Array.from({ length: 25 }, (_, index) => index % 10 === 0),
    );
    const segments = bySegment(fragments);
    expect(segments.length).toBe(3);
    for (const packets of segments) {
      expect(packets.slice(0, 3).map(({ pid }) => pid)).toEqual([PAT, PMT, VIDEO]);
      expect(packets[2]).toMatchObject({ unitStart: true, randomAccess: true });
      const [unit] = seenUnits(packets, VIDEO);
      const nals = splitNals(unit?.data ?? new Uint8Array(0));
      expect(nals.map(nalType)).toEqual([9, 7, 8, 5]);
      expect([[...(nals[1] ?? [])], [...(nals[2] ?? [])]]).toEqual([SPS, PPS]);
    }
  });

  test("does not begin before the first key frame", async () => {
    const { fragments } = await segmentTs([video(1, false), video(2, false), ...frames(10, 12)]);
    expect(fragments.map(({ pts }) => Number(pts))).toEqual([30_000, 33_000]);
  });

  test("has a delimiter before every picture and parameter sets before key frames only", async () => {
    const { packets } = await segmentTs(frames(0, 12));
    const types = seenUnits(packets, VIDEO).map(({ data }) => splitNals(data).map(nalType));
    expect(types.filter((each) => each.length === 4).length).toBe(2);
    expect(types.filter((each) => each.length === 2)).toEqual(Array(10).fill([9, 1]));
  });
});

describe("over the whole stream", () => {
  test("counters, PIDs and tables continue over segments and encoders", async () => {
    const format = { ...FORMAT, width: 640, height: 360 };
    const input = [...frames(0, 25), ...[25, 26, 27].map((i) => video(i, i === 25, format))];
    const { packets, fragments } = await segmentTs(input);
    expect(counterBreaks(packets)).toEqual([]);
    expect(new Set(packets.map(({ pid }) => pid))).toEqual(new Set([PAT, PMT, VIDEO]));
    const maps = packets.filter(({ pid }) => pid === PMT).map(({ payload }) => [...payload]);
    expect(maps).toEqual(Array(4).fill(maps[0]));
    expect(fragments.at(-1)).toMatchObject({ width: 640, height: 360, arrivedAt: 27 });
    expect(packets.some(({ discontinuity }) => discontinuity)).toBe(false);
  });

  test("timestamps are those of the packets, modulo 2^33", async () => {
    const start = 2 ** 33 - 6000;
    const input = Array.from({ length: 5 }, (_, index) => ({
      ...video(index, index === 0),
      pts: ticks(start + 3000 * index),
    }));
    const { packets } = await segmentTs(input);
    const stamps = seenUnits(packets, VIDEO).map(({ pts }) => pts);
    expect(stamps).toEqual([start, start + 3000, 0, 3000, 6000]);
  });
});

describe("an access unit", () => {
  test("of any size is complete in its own fragment, with its length if that fits, and stuffing only at the end", async () => {
    const sizes = Array.from({ length: 600 }, (_, index) => 6 + index);
    sizes.push(65_000, 65_500, 65_520, 65_521, 65_530, 65_535, 65_536, 70_000);
    for (let more = 0; more < 190; more++) sizes.push(66_000 + more);
    const input = sizes.map((size, index) => sized(index, size, index % 50 === 0));
    const { fragments, packets } = await segmentTs(input);
    expect(counterBreaks(packets)).toEqual([]);

    const units = seenUnits(packets, VIDEO);
    expect(units.length).toBe(sizes.length);
    for (const { length, data, packets: own } of units) {
      const rest = own.slice(0, -1);
      expect(rest.every(({ stuffing }) => stuffing === 0)).toBe(true);
      expect(own.at(-1)?.stuffing).toBeGreaterThan(0);
      if (data.length <= 65_000) expect(length).toBeGreaterThan(data.length);
      if (data.length > 65_535) expect(length).toBe(0);
    }

    const demuxer = new TsDemuxer();
    const read = [...fragments.entries()].flatMap(([index, { data }]) => {
      const found = demuxer.push(data, 0);
      // The first unit waits for the next one; so do those that fill the largest PES there is.
      if (index > 40 && index < 600) expect(found.length).toBe(1);
      return found;
    });
    read.push(...demuxer.endSegment(0));
    expect(read.length).toBe(input.length);
    for (const [index, { data, pts }] of input.entries()) {
      expect(read[index]?.data.subarray(-data.length)).toEqual(data);
      expect(read[index]?.pts).toBe(pts);
    }
  });
});

describe("the program clock", () => {
  const clocks = (packets: Awaited<ReturnType<typeof segmentTs>>["packets"]): number[] =>
    packets.flatMap(({ pcr }) => (pcr === null ? [] : [pcr]));
  /** One key frame, then pictures `seconds` apart, from 100 s on. */
  const spaced = (...seconds: number[]) => {
    const times = [9_000_000];
    for (const gap of seconds) times.push(Math.round((times.at(-1) ?? 0) + gap * 90_000));
    return times.map((pts, index) => ({ ...video(index, index === 0), pts: ticks(pts) }));
  };

  test("is written at least every 100 ms, also at one picture a second, and never goes back", async () => {
    const { packets } = await segmentTs(spaced(1, 1, 0.04, 0.5, 1));
    const times = clocks(packets);
    const steps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(Math.min(...steps)).toBeGreaterThan(0);
    expect(Math.max(...steps)).toBeLessThanOrEqual(9000);
    expect(counterBreaks(packets)).toEqual([]);
  });

  test("runs behind the timestamps by as much as audio may be late", async () => {
    const { packets } = await segmentTs(spaced(0.04, 0.04));
    expect(clocks(packets)[0]).toBe(9_000_000 - 45_000);
  });

  test("jumps over a pause instead of filling it", async () => {
    const { packets } = await segmentTs(spaced(0.04, 60, 0.04));
    expect(clocks(packets).length).toBe(4);
  });

  test("follows the tables when a segment begins after a wait", async () => {
    const { fragments } = await segmentTs([video(0, true), video(30, true)]);
    const [, second] = bySegment(fragments);
    expect(second?.slice(0, 2).map(({ pid }) => pid)).toEqual([PAT, PMT]);
    expect(second?.some(({ payload }) => payload.length === 0)).toBe(true);
  });
});

describe("resumed by another engine", () => {
  test("tables continue, the map stays the same, and each track signals its counter's discontinuity once", async () => {
    const before = await segmentTs(frames(0, 25), {
      promisedAudio: () => ({ codec: "opus", channels: 2 }),
    });
    const resume = before.segmenter.continuity;
    if (!resume) throw new Error("no continuity");
    const input = [...frames(30, 50), opus(60), opus(61)];
    const after = await segmentTs(input, { resume, promisedAudio: () => null });
    expect(after.troubles).toEqual([]);
    const both = [...before.packets, ...after.packets];
    const tables = both.filter(({ pid }) => pid === PAT || pid === PMT);
    expect(counterBreaks(tables)).toEqual([]);
    const maps = tables.filter(({ pid }) => pid === PMT).map(({ payload }) => [...payload]);
    expect(maps).toEqual(Array(5).fill(maps[0]));
    const jumps = after.packets.filter(({ discontinuity }) => discontinuity);
    expect(jumps).toMatchObject([
      { pid: VIDEO, unitStart: true, randomAccess: true },
      { pid: AUDIO, unitStart: true },
    ]);
    expect(counterBreaks(after.packets)).toEqual([]);
  });
});
