/** Tests the times of samples: decode times, offsets, edit lists, and what follows where they are missing. */
import { describe, expect, test } from "bun:test";
import { moov, slice, type TrackOptions } from "../../../../support/mp4-builder.ts";
import {
  AAC,
  bodies,
  fragment,
  NON_SYNC,
  read,
  times,
  VIDEO,
  videoOf,
} from "../../../../support/mp4-fragments.ts";
import { concat } from "../../../../support/ts-builder.ts";

describe("times", () => {
  const video = (options: Partial<TrackOptions>, cts: number[] = [0, 0], tfdt = 0) => {
    const runs = [{ count: 2, sizes: [30, 30], cts, firstFlags: 0 }];
    const data = concat([slice(30, "idr"), slice(30)]);
    const track = { duration: 3000, flags: NON_SYNC, tfdt, runs };
    return videoOf(read([moov([{ ...VIDEO, ...options }]), ...fragment(track, data, 1)]));
  };

  test("an empty edit delays a track, in both versions of the box", () => {
    for (const longEdits of [false, true]) {
      const packets = video({
        longEdits,
        edits: [
          [1500, -1],
          [0, 0],
        ],
      });
      expect(times(packets)).toEqual([135_000, 138_000]);
    }
  });

  test("several empty edits add up; the media time of the first other edit is where a track begins", () => {
    expect(
      times(
        video({
          edits: [
            [500, -1],
            [250, -1],
            [0, 0],
          ],
        }),
      )[0],
    ).toBe(67_500);
    const reordered = video({ edits: [[0, 6000]] }, [6000, 6000]);
    expect(times(reordered)).toEqual([0, 3000]);
    expect(Number(reordered[0]?.dts)).toBe(-6000);
    expect(
      times(
        video(
          {
            edits: [
              [1000, -1],
              [0, 6000],
            ],
          },
          [6000, 6000],
        ),
      )[0],
    ).toBe(90_000);
    expect(times(video({ longEdits: true, edits: [[0, 900_000]] }, [0, 0], 990_000))[0]).toBe(
      90_000,
    );
  });

  test("negative composition offsets are read", () => {
    expect(times(video({}, [0, -3000]))).toEqual([0, 0]);
  });

  test("an encoder's priming is dropped, and what begins in it stays at its time", () => {
    const track = { ...AAC, edits: [[0, 1504]] as const };
    const packets = read([
      moov([track]),
      ...fragment({ size: 9, duration: 1024, runs: [{ count: 3 }] }, bodies(3, 9), 3),
    ]);
    expect(times(packets)).toEqual([-900, 1020]);
  });

  test("edits that put pictures before zero move all tracks", () => {
    const sound = { ...AAC, edits: [[0, 24_000]] as const };
    const pictures = { ...VIDEO, edits: [[0, 45_000]] as const };
    const head = moov([pictures, sound]);
    const first = fragment(
      { duration: 3000, runs: [{ count: 1, sizes: [30] }] },
      slice(30, "idr"),
      1,
    );
    const second = fragment({ size: 9, duration: 1024, runs: [{ count: 1 }] }, bodies(1, 9), 3);
    expect(times(read([head, ...first, ...second]))).toEqual([0, 0]);
  });

  test("a fragment without a decode time follows the one before", () => {
    const one = fragment(
      { size: 9, duration: 1024, tfdt: 4800, runs: [{ count: 2 }] },
      bodies(2, 9),
      3,
    );
    const next = fragment({ size: 9, duration: 1024, runs: [{ count: 1 }] }, bodies(1, 9), 3);
    expect(times(read([moov([AAC]), ...one, ...next]))).toEqual([9000, 10_920, 12_840]);
  });
});
