/** Tests what a track says about its samples: audio formats, key frames, orientation and pixel aspect. */
import { describe, expect, test } from "bun:test";
import { Mp4Demuxer } from "../../../../../src/engine/source/mp4/demux.ts";
import {
  audioFields,
  avc1,
  box,
  esds,
  moov,
  mp4a,
  opusEntry,
  PARAMETER_SETS,
  slice,
  type TrackOptions,
  u32,
  visualFields,
} from "../../../../support/mp4-builder.ts";
import {
  AAC,
  audioOf,
  bodies,
  fragment,
  NON_SYNC,
  read,
  VIDEO,
  videoOf,
} from "../../../../support/mp4-fragments.ts";
import { concat } from "../../../../support/ts-builder.ts";

describe("an audio entry", () => {
  const formatOf = (entry: Uint8Array) =>
    audioOf(
      read([
        moov([{ ...AAC, entries: [entry] }]),
        ...fragment({ size: 9, duration: 1024, runs: [{ count: 1 }] }, bodies(1, 9), 3),
      ]),
    )[0];
  test("of QuickTime has its configuration behind more fields, and in a box of its own", () => {
    const config = esds(0x40, [0x12, 0x08]);
    for (const [version, fields] of [
      [0, 0],
      [1, 16],
      [2, 36],
    ] as const) {
      for (const boxes of [config, box("wave", box("frma"), config)]) {
        const head = audioFields(2, 8000);
        head[9] = version;
        const format = formatOf(box("mp4a", head, new Uint8Array(fields), boxes));
        expect(format).toMatchObject({ codec: "aac", sampleRate: 44_100, channels: 1 });
      }
    }
  });

  test("names rates and layouts that its own fields cannot hold", () => {
    expect(formatOf(mp4a([0x10, 0x38]))).toMatchObject({ sampleRate: 96_000, channels: 8 });
  });

  test("of Opus in surround has its own mapping only where it is an unusual one", () => {
    const usual = formatOf(opusEntry(6, [1, 4, 2, 0, 4, 1, 2, 3, 5]));
    expect(usual).toMatchObject({ codec: "opus", channels: 6 });
    expect(usual?.config).toBeUndefined();
    const unusual = formatOf(opusEntry(2, [255, 2, 0, 0, 1]));
    expect([...(unusual?.config?.subarray(18) ?? [])]).toEqual([255, 2, 0, 0, 1]);
  });

  test("of MPEG audio is named by its frames", () => {
    const frame = new Uint8Array(576);
    frame.set([0xff, 0xfd, 0xa4, 0x04]);
    const packets = audioOf(
      read([
        moov([{ ...AAC, entries: [mp4a([], 0x6b)] }]),
        ...fragment({ size: 576, runs: [{ count: 2 }] }, concat([frame, frame]), 3),
      ]),
    );
    expect(packets.map(({ codec, pts }) => [codec, Number(pts)])).toEqual([
      ["mp2", 0],
      ["mp2", 2160],
    ]);
  });
});

describe("key frames are known by their slices", () => {
  const keys = (flags: number, kinds: readonly ("idr" | "i" | "p")[]): boolean[] => {
    const runs = [{ count: kinds.length }];
    const data = concat(kinds.map((kind) => slice(30, kind)));
    const packets = videoOf(
      read([moov([VIDEO]), ...fragment({ size: 30, duration: 3000, flags, runs }, data, 1)]),
    );
    for (const { keyFrame, data: unit } of packets) {
      expect(unit.length).toBe(30 + (keyFrame ? PARAMETER_SETS.length : 0));
    }
    return packets.map(({ keyFrame }) => keyFrame);
  };

  test("where all samples are flagged sync", () => {
    expect(keys(0, ["idr", "p", "i", "p"])).toEqual([true, false, true, false]);
  });

  test("where none is", () => {
    expect(keys(NON_SYNC, ["idr", "p", "i", "p"])).toEqual([true, false, false, false]);
  });
});

describe("what a track shows", () => {
  const first = (track: TrackOptions) => {
    const runs = [{ count: 1, sizes: [30] }];
    return videoOf(
      read([moov([track]), ...fragment({ duration: 3000, runs }, slice(30, "idr"), 1)]),
    )[0];
  };

  test("is turned by its header's matrix", () => {
    const turned = first({ ...VIDEO, matrix: [0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000] });
    expect(turned?.orientation).toEqual({ rotation: 90, mirrored: false });
    expect(first(VIDEO)?.orientation).toBeUndefined();
  });

  test("has the pixel aspect of its entry; a senseless one is ignored", () => {
    const shaped = (width: number, height: number) =>
      first({ ...VIDEO, entries: [avc1(box("pasp", u32(width), u32(height)))] })?.pixelAspect;
    expect(shaped(16, 11)).toEqual({ width: 16, height: 11 });
    expect(shaped(0, 1)).toBeUndefined();
  });

  test("has the shape of its header's size where the entry has no pixel aspect", () => {
    const shown = (width: number, height: number) =>
      first({ ...VIDEO, shown: [width, height] })?.pixelAspect;
    const { width, height } = shown(426, 240) ?? { width: 0, height: 1 };
    expect(width / height).toBeCloseTo(426 / 320, 3);
    expect([shown(320, 240), shown(322, 240), shown(0, 0)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const entries = [avc1(box("pasp", u32(1), u32(1)))];
    expect(first({ ...VIDEO, entries, shown: [426, 240] })?.pixelAspect).toEqual({
      width: 1,
      height: 1,
    });
  });
});

test("a video entry of MPEG-4 that cannot be read is named by its object type", () => {
  const nameOf = (...boxes: Uint8Array[]): string | undefined => {
    const demuxer = new Mp4Demuxer();
    const entry = box("mp4v", visualFields(), ...boxes);
    demuxer.push(moov([{ ...VIDEO, entries: [entry] }]), 0);
    return demuxer.takeTroubles()[0]?.error?.message;
  };
  for (const [object, name] of [
    [0x20, "MPEG-4 Visual"],
    [0x60, "MPEG-2"],
    [0x65, "MPEG-2"],
    [0x6a, "MPEG-1"],
    [0x6c, "JPEG"],
    [0x6d, "PNG"],
    [0xc1, "mp4v with object type 0xc1"],
  ] as const) {
    expect(nameOf(esds(object))).toContain(name);
  }
  expect(nameOf()).toContain("MPEG-4 Visual");
});
