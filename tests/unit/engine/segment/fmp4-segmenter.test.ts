import { describe, expect, test } from "bun:test";
import { segmentFmp4 } from "../../../../src/engine/segment/fmp4-segmenter.ts";
import type {
  EncodedAudio,
  OutputPacket,
  VideoFormat,
} from "../../../../src/media/encoded-packet.ts";
import { ticks } from "../../../../src/media/time.ts";
import { StageGroup } from "../../../../src/streams/stage.ts";
import {
  aac,
  FORMAT,
  files,
  fragmentsOf,
  frames,
  mixed,
  PPS,
  SPS,
  segment,
  video,
} from "../../../support/mp4-segments.ts";

describe("a segment", () => {
  test("begins at every key frame with ftyp and moov, and has a fragment for each frame", async () => {
    const fragments = await segment(frames(0, 25));
    expect(fragments.map(({ first }) => first)).toEqual(
      Array.from({ length: 25 }, (_, index) => index % 10 === 0),
    );
    const all = files(fragments);
    expect(all.map(({ order }) => order.slice(0, 4))).toEqual(
      Array(3).fill(["ftyp", "moov", "moof", "mdat"]),
    );
    expect(all.map(({ fragments: own }) => own.map(({ samples }) => samples.length))).toEqual([
      Array(10).fill(1),
      Array(10).fill(1),
      Array(5).fill(1),
    ]);
    expect(all[0]?.brands).toEqual(expect.arrayContaining(["iso5", "iso6", "mp41"]));
  });

  test("describes its tracks", async () => {
    const [first] = files(await segment([aac(0), ...frames(0, 1), aac(1)]));
    const avcC = [1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, SPS.length, ...SPS, 1, 0, PPS.length, ...PPS];
    expect(first?.tracks).toMatchObject([
      { entry: "avc1", timescale: 90_000, width: 320, height: 180 },
      { entry: "mp4a", timescale: 48_000, channels: 2, sampleRate: 48_000 },
    ]);
    expect([...(first?.tracks[0]?.config ?? [])]).toEqual(avcC);
    // The end of an esds: AudioSpecificConfig of AAC LC, 48 kHz, stereo; then the SL descriptor.
    expect([...(first?.tracks[1]?.config ?? [])].slice(-7)).toEqual([5, 2, 0x11, 0x90, 6, 1, 2]);
  });

  test("does not begin before the first key frame", async () => {
    const fragments = await segment([video(1, false), video(2, false), ...frames(10, 12)]);
    expect(fragments.map(({ pts }) => Number(pts))).toEqual([30_000, 33_000]);
  });

  test("contains length-prefixed samples, of which only the first is a sync sample", async () => {
    const [first] = files(await segment(frames(0, 3)));
    const samples = first?.fragments.flatMap((fragment) => fragment.samples);
    expect(samples?.map(({ sync }) => sync)).toEqual([true, false, false]);
    expect([...(samples?.[1]?.data ?? [])]).toEqual([0, 0, 0, 3, 0x41, 0x80, 0x81]);
  });
});

describe("times", () => {
  test("tfdt and sequence numbers rise over all segments without gaps", async () => {
    const all = files(await segment(mixed(40)));
    const sequences = all.flatMap(({ fragments }) => fragments.map(({ sequence }) => sequence));
    expect(sequences).toEqual(sequences.map((_, index) => (sequences[0] ?? 0) + index));
    for (const entry of ["avc1", "mp4a"]) {
      const samples = fragmentsOf(all, entry).flatMap((fragment) => fragment.samples);
      expect(samples.length).toBe(40);
      for (const [index, { dts }] of samples.entries()) {
        const before = samples[index - 1];
        if (before) expect(dts).toBe(before.dts + before.duration);
      }
    }
  });

  test("timestamps above 32 bits are preserved", async () => {
    const far = 3000 * 20_000_000;
    const moved = frames(0, 2).map((frame) => ({
      ...frame,
      pts: ticks(frame.pts + far),
      dts: ticks(frame.pts + far),
    }));
    const [first] = files(await segment(moved));
    expect(first?.fragments.map(({ tfdt }) => tfdt)).toEqual([far, far + 3000]);
  });

  test("rounded timestamps of 44.1 kHz audio make no gaps", async () => {
    const rate = 44_100;
    const sound = (index: number): EncodedAudio => {
      const at = (count: number): number => Math.round((count * 1024 * 90_000) / rate);
      const duration = ticks(at(index + 1) - at(index));
      return aac(index, { sampleRate: rate, pts: ticks(at(index)), duration });
    };
    const all = files(await segment([sound(0), ...mixed(300, (index) => [sound(index + 1)])]));
    const samples = fragmentsOf(all, "mp4a").flatMap((fragment) => fragment.samples);
    expect(samples.map(({ dts }) => dts)).toEqual(samples.map((_, index) => index * 1024));
    expect(new Set(samples.map(({ duration }) => duration))).toEqual(new Set([1024]));
  });

  test("timestamps rounded to milliseconds make no gaps and lose no audio", async () => {
    const sound = (index: number): EncodedAudio =>
      aac(index, { pts: ticks(Math.round((index * 1024) / 48) * 90) });
    const all = files(await segment([sound(0), ...mixed(300, (index) => [sound(index + 1)])]));
    const samples = fragmentsOf(all, "mp4a").flatMap((fragment) => fragment.samples);
    expect(samples.map(({ dts }) => dts)).toEqual(
      Array.from({ length: 301 }, (_, index) => index * 1024),
    );
  });

  test("an audio clock that drifts is followed", async () => {
    const sound = (index: number): EncodedAudio => aac(index, { pts: ticks(1925 * index) });
    const all = files(await segment([sound(0), ...mixed(600, (index) => [sound(index + 1)])]));
    const last = fragmentsOf(all, "mp4a").at(-1)?.tfdt ?? 0;
    expect(Math.abs(last / 48_000 - (1925 * 600) / 90_000)).toBeLessThan(0.012);
  });

  test("a real gap in the audio stays a gap", async () => {
    const sound = [aac(0), aac(1), aac(10), aac(11)];
    const all = files(await segment([aac(0), video(0, true), ...sound.slice(1), video(10, true)]));
    const samples = fragmentsOf(all, "mp4a").flatMap((fragment) => fragment.samples);
    expect(samples.map(({ dts }) => dts / 1024)).toEqual([0, 1, 10, 11]);
  });

  test("audio whose timestamps go back is dropped, because tfdt may only rise", async () => {
    const sound = [aac(0), aac(1), aac(2), aac(1), aac(2), aac(3)];
    const all = files(await segment([aac(0), video(0, true), ...sound.slice(1), video(10, true)]));
    const samples = fragmentsOf(all, "mp4a").flatMap((fragment) => fragment.samples);
    expect(samples.map(({ dts }) => dts)).toEqual([0, 1024, 2048, 3072]);
  });

  test("a frame after a pause does not last as long as the pause", async () => {
    const [first] = files(await segment([video(0, true), video(300, false), video(301, false)]));
    const durations = first?.fragments.map(({ samples }) => samples[0]?.duration);
    expect(durations).toEqual([3000, 90_000, 90_000]);
  });
});

describe("where frames are missing", () => {
  /** Numbers of frames that were not dropped; the first of ten is a key frame. */
  const kept = async (...numbers: number[]) =>
    files(await segment(numbers.map((number) => video(number, number % 10 === 0)))).flatMap(
      ({ fragments }) => fragments.flatMap(({ samples }) => samples),
    );

  test("pictures keep their times", async () => {
    const numbers = [0, 1, 4, 5, 6, 29, 30, 31, 32];
    expect((await kept(...numbers)).map(({ pts }) => pts / 3000)).toEqual(numbers);
  });

  test("no decode time is more than two durations after the one before, which browsers treat as a break", async () => {
    // Also at the very start, where the pace is not known yet.
    const samples = await kept(0, 4, 8, 9, 10, 13, 14, 29, 30, 31, 32, 33, 34, 35, 36);
    for (const [index, { dts, pts }] of samples.entries()) {
      const before = samples[index - 1];
      expect(dts).toBeLessThanOrEqual(pts);
      if (before === undefined) continue;
      expect(dts).toBeGreaterThan(before.dts);
      expect(dts - before.dts).toBeLessThan(2 * before.duration);
    }
  });

  test("decode times catch up within some frames", async () => {
    const samples = await kept(0, 1, 2, 5, 6, 7, 8, 9);
    expect(samples.at(-1)).toMatchObject({ dts: 27_000, pts: 27_000 });
  });

  test("decode times catch up within a second after a pause of half a minute, without a break", async () => {
    const samples = await kept(0, 1, 2, ...Array.from({ length: 40 }, (_, index) => 902 + index));
    const behind = samples.findIndex(({ dts, pts }, index) => index > 3 && dts === pts);
    expect(behind).toBeWithin(10, 30);
    for (const { dts, pts, duration } of samples.slice(behind + 1)) {
      expect([dts, duration]).toEqual([pts, 3000]);
    }
    for (const [index, { dts }] of samples.entries()) {
      const before = samples[index - 1];
      if (before) expect(dts - before.dts).toBeLessThan(2 * before.duration);
    }
  });
});

test("a new encoder's first segment states its own size", async () => {
  const small: VideoFormat = { ...FORMAT, width: 64, height: 64 };
  const fragments = await segment([...frames(0, 5), video(5, true, small), video(6, false, small)]);
  expect(files(fragments).map(({ tracks }) => tracks[0]?.width)).toEqual([320, 64]);
  expect(fragments.at(-1)).toMatchObject({ width: 64, height: 64, first: false });
});

test("memory does not grow over a long stream", async () => {
  const stages = new StageGroup();
  let index = 0;
  let heap = 0;
  const source = new ReadableStream<OutputPacket>({
    pull(controller) {
      if (index === 2000) {
        Bun.gc(true);
        heap = process.memoryUsage().heapUsed;
      }
      if (index === 12_000) return controller.close();
      const data = new Uint8Array(2000).fill(0x55);
      data.set([0, 0, 1, index % 30 === 0 ? 0x65 : 0x41]);
      controller.enqueue({ ...video(index, index % 30 === 0), data });
      index++;
    },
  });
  for await (const _ of source.pipeThrough(stages.add(segmentFmp4({ promisedAudio: () => null }))));
  Bun.gc(true);
  expect(process.memoryUsage().heapUsed - heap).toBeLessThan(4_000_000);
});
