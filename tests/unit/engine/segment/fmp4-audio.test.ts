import { describe, expect, test } from "bun:test";
import type { EncodedAudio } from "../../../../src/media/encoded-packet.ts";
import { ticks } from "../../../../src/media/time.ts";
import { aac, files, fragmentsOf, mixed, segment, video } from "../../../support/mp4-segments.ts";

describe("audio", () => {
  test("is sent with the next picture, or after 200 ms without one", async () => {
    const paced = await segment([aac(0), video(0, true), aac(1), aac(2), video(1, false)]);
    expect(paced.map(({ arrivedAt }) => arrivedAt)).toEqual([0, null, 1]);
    const alone = await segment([
      aac(0),
      video(0, true),
      ...Array.from({ length: 12 }, (_, index) => aac(index + 1)),
    ]);
    expect(alone.map(({ arrivedAt }) => arrivedAt)).toEqual([0, null, null]);
  });

  test("from before the first picture is dropped, whether it arrives before or after it", async () => {
    for (const packets of [
      [aac(0), aac(1), aac(20), video(10, true), aac(21)],
      [aac(0), video(10, true), aac(1), aac(20), aac(21)],
    ]) {
      const all = files(await segment(packets));
      const samples = fragmentsOf(all, "mp4a").flatMap((fragment) => fragment.samples);
      expect(samples.map(({ dts }) => dts)).toEqual([20 * 1024, 21 * 1024]);
    }
  });

  test("that is promised has its track from the first segment on, whenever it begins", async () => {
    const promised = { codec: "aac", sampleRate: 48_000, channels: 2 } as const;
    const packets = mixed(30, (index) => (index < 13 ? [] : [aac(index)]));
    const all = files(await segment(packets, promised));
    expect(all.map(({ tracks }) => tracks.map(({ entry }) => entry))).toEqual(
      Array(3).fill(["avc1", "mp4a"]),
    );
    const samples = fragmentsOf(all, "mp4a").flatMap((fragment) => fragment.samples);
    expect(samples.map(({ dts }) => dts / 1024)).toEqual(
      Array.from({ length: 17 }, (_, index) => index + 13),
    );
  });

  test("that starts late and was not promised is announced in the next segment's moov, and none of it is lost", async () => {
    const all = files(await segment(mixed(30, (index) => (index < 13 ? [] : [aac(index)]))));
    expect(all.map(({ tracks }) => tracks.length)).toEqual([1, 1, 2]);
    const samples = fragmentsOf(all, "mp4a").flatMap((fragment) => fragment.samples);
    expect(samples.map(({ dts }) => dts / 1024)).toEqual(
      Array.from({ length: 17 }, (_, index) => index + 13),
    );
  });

  test("that stops does not affect the video", async () => {
    const all = files(await segment(mixed(30, (index) => (index > 5 ? [] : [aac(index)]))));
    expect(fragmentsOf(all, "avc1").length).toBe(30);
  });

  test("in a new format is announced in the next segment's moov", async () => {
    const opus = (index: number): EncodedAudio =>
      aac(index, { codec: "opus", pts: ticks(1800 * index), duration: ticks(1800), channels: 1 });
    const all = files(
      await segment([
        aac(0),
        ...mixed(30, (index) => [index < 14 ? aac(index + 1) : opus(index + 3)]),
      ]),
    );
    expect(all.map(({ tracks }) => tracks[1]?.entry)).toEqual(["mp4a", "mp4a", "Opus"]);
    expect(all[2]?.tracks[1]).toMatchObject({ timescale: 48_000, channels: 1 });
    expect(fragmentsOf(all, "Opus").length).toBeGreaterThan(5);
  });

  test("that changes its format back and forth within a segment continues in the next segment", async () => {
    const other = (index: number): EncodedAudio => aac(index, { channels: 1 });
    const all = files(
      await segment([
        aac(0),
        ...mixed(40, (index) => [index === 4 || index === 5 ? other(index + 1) : aac(index + 1)]),
      ]),
    );
    const last = all.slice(2).flatMap(({ fragments }) => fragments);
    expect(last.filter(({ track }) => track === 2).length).toBeGreaterThan(10);
    expect(all.map(({ tracks }) => tracks[1]?.channels)).toEqual([2, 2, 2, 2]);
  });
});
