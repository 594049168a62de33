/** Which bytes of a fragment are which samples, and when: every way that senders have to say it. */
import { describe, expect, test } from "bun:test";
import { Mp4Demuxer } from "../../../../src/engine/source/mp4-demux.ts";
import type { AudioPacket, EncodedPacket } from "../../../../src/media/encoded-packet.ts";
import {
  audioFields,
  avc1,
  box,
  ftyp,
  fullBox,
  longBox,
  mdat,
  moof,
  moov,
  mp4a,
  opusEntry,
  PARAMETER_SETS,
  slice,
  type TrackOptions,
  type Traf,
  type Trex,
  u32,
} from "../../../support/mp4-builder.ts";
import { concat } from "../../../support/ts-builder.ts";

const VIDEO: TrackOptions = { id: 1, kind: "vide", timescale: 90_000, entries: [avc1()] };
const OPUS: TrackOptions = { id: 2, kind: "soun", timescale: 48_000, entries: [opusEntry()] };
const AAC: TrackOptions = { id: 3, kind: "soun", timescale: 48_000, entries: [mp4a()] };
const NON_SYNC = 0x10000;

/** `count` bodies of `size` bytes, each filled with its number. */
const bodies = (count: number, size: number): Uint8Array =>
  concat(Array.from({ length: count }, (_, index) => new Uint8Array(size).fill(index + 1)));

function read(parts: readonly Uint8Array[], demuxer = new Mp4Demuxer()): EncodedPacket[] {
  const bytes = concat(parts);
  return [...demuxer.push(bytes, 0), ...demuxer.endSegment(0)];
}

const audioOf = (packets: readonly EncodedPacket[]): AudioPacket[] =>
  packets.filter((packet) => packet.kind === "audio");
const videoOf = (packets: readonly EncodedPacket[]) =>
  packets.filter((packet) => packet.kind === "video");
const times = (packets: readonly EncodedPacket[]): number[] =>
  packets.map(({ pts }) => Number(pts));
const marks = (packets: readonly EncodedPacket[]): (number | undefined)[] =>
  packets.map(({ data }) => data[data.length - 1]);

/** One fragment of `track`, its data right behind it. */
function fragment(track: Omit<Traf, "id">, data: Uint8Array, id = 2): Uint8Array[] {
  const head = moof((size) => [
    {
      id,
      baseIsMoof: true,
      ...track,
      runs: track.runs.map((run) => ({ offset: size + 8, ...run })),
    },
  ]);
  return [head, mdat(data)];
}

describe("defaults", () => {
  const expectFrames = (packets: EncodedPacket[], sizes: number[], durations: number[]): void => {
    expect(packets.map(({ data }) => data.length)).toEqual(sizes);
    expect(audioOf(packets).map(({ duration }) => duration / 1.875)).toEqual(durations);
    expect(marks(packets)).toEqual(sizes.map((_, index) => index + 1));
  };

  test("a run without any fields has as many samples as it says, of the size in tfhd", () => {
    const head = moov([OPUS], [{ id: 2 }]);
    const data = bodies(50, 160);
    const packets = read([
      ftyp(),
      head,
      ...fragment({ size: 160, duration: 960, runs: [{ count: 50 }] }, data),
    ]);
    expectFrames(packets, Array(50).fill(160), Array(50).fill(960));
    expect(times(packets)).toEqual(Array.from({ length: 50 }, (_, index) => index * 1800));
  });

  test("every field comes from the run, else from tfhd, else from trex", () => {
    const trex: Trex[] = [{ id: 2, size: 10, duration: 480 }];
    for (const tfhd of [
      {},
      { size: 12 },
      { duration: 960 },
      { size: 12, duration: 960 },
    ] as const) {
      for (const run of [{}, { sizes: [14, 14] }, { durations: [120, 240] }] as const) {
        const size = "sizes" in run ? 14 : "size" in tfhd ? tfhd.size : 10;
        const fallback = "duration" in tfhd ? tfhd.duration : 480;
        const durations = "durations" in run ? [120, 240] : [fallback, fallback];
        const runs = [{ count: 2, ...run }];
        const packets = read([moov([OPUS], trex), ...fragment({ ...tfhd, runs }, bodies(2, size))]);
        expectFrames(packets, [size, size], durations);
      }
    }
  });

  test("where nobody gives a duration, audio frames have their codec's", () => {
    const short = mp4a([0x11, 0x94]); // 960 samples
    for (const [track, samples] of [
      [AAC, 1024],
      [{ ...AAC, entries: [short] }, 960],
      [{ ...AAC, timescale: 90_000 }, 1024],
      [{ ...OPUS, id: 3 }, 960],
    ] as const) {
      const packets = read([
        moov([track]),
        ...fragment({ size: 9, runs: [{ count: 3 }] }, bodies(3, 9), 3),
      ]);
      expect(times(packets)).toEqual([0, 1, 2].map((index) => index * samples * 1.875));
    }
  });

  test("the sample entry is the one that tfhd, else trex, numbers", () => {
    const track = { ...AAC, entries: [mp4a(), mp4a([0x12, 0x10])] };
    const runs = [{ count: 1 }];
    const rate = (trex: Trex, traf: Partial<Traf>): (number | undefined)[] =>
      audioOf(
        read([
          moov([track], [trex]),
          ...fragment({ size: 9, duration: 1024, ...traf, runs }, bodies(1, 9), 3),
        ]),
      ).map(({ sampleRate }) => sampleRate);
    expect(rate({ id: 3 }, {})).toEqual([48_000]);
    expect(rate({ id: 3, entry: 2 }, {})).toEqual([44_100]);
    expect(rate({ id: 3 }, { entry: 2 })).toEqual([44_100]);
  });
});

describe("an audio entry", () => {
  const formatOf = (entry: Uint8Array) =>
    audioOf(
      read([
        moov([{ ...AAC, entries: [entry] }]),
        ...fragment({ size: 9, duration: 1024, runs: [{ count: 1 }] }, bodies(1, 9), 3),
      ]),
    )[0];
  const esds = (entry: Uint8Array): Uint8Array =>
    entry.subarray(Buffer.from(entry).indexOf("esds") - 4);

  test("of QuickTime has its configuration behind more fields, and in a box of its own", () => {
    const config = esds(mp4a([0x12, 0x08]));
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

describe("where the data lies", () => {
  const head = [ftyp(), moov([OPUS, VIDEO])];
  const frames = { size: 20, duration: 960, runs: [{ count: 3 }] } as const;

  test("at an absolute offset in a file that is cut into segments", () => {
    const demuxer = new Mp4Demuxer();
    let position = concat(head).length;
    const found: EncodedPacket[] = [...read(head, demuxer)];
    for (let index = 0; index < 3; index++) {
      const parts = fragment(
        { ...frames, baseIsMoof: false, base: position, tfdt: index * 2880 },
        bodies(3, 20),
      );
      position += concat(parts).length;
      found.push(...read(parts, demuxer));
    }
    expect(times(found)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8].map((index) => index * 1800));
    expect(marks(found)).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3]);
  });

  test("at an absolute offset in segments that are files of their own", () => {
    const demuxer = new Mp4Demuxer();
    const base = concat(head).length;
    const file = [...head, ...fragment({ ...frames, baseIsMoof: false, base }, bodies(3, 20))];
    for (let index = 0; index < 3; index++) expect(marks(read(file, demuxer))).toEqual([1, 2, 3]);
  });

  test("at an absolute offset that counts from a segment without ftyp, or from before the stream was joined", () => {
    for (const base of [40, 5_000_000_000]) {
      const demuxer = new Mp4Demuxer();
      read(head, demuxer);
      const segment = [box("styp", u32(0)), box("free", new Uint8Array(20))];
      segment.push(...fragment({ ...frames, baseIsMoof: false, base }, bodies(3, 20)));
      expect(marks(read(segment, demuxer))).toEqual([1, 2, 3]);
      expect(marks(read(segment, demuxer))).toEqual([1, 2, 3]);
    }
  });

  test("behind the data of the track fragment before, where nothing else is said", () => {
    const fragmentOfTwo = moof((size) => [
      { id: 2, size: 20, duration: 960, runs: [{ count: 2, offset: size + 8 }, { count: 1 }] },
      { id: 1, size: 30, duration: 3000, runs: [{ count: 1 }] },
    ]);
    const packets = read([...head, fragmentOfTwo, mdat(bodies(3, 20), slice(30, "idr"))]);
    expect(marks(audioOf(packets))).toEqual([1, 2, 3]);
    expect(videoOf(packets)[0]?.data.subarray(-26)).toEqual(slice(30, "idr").subarray(4));
  });

  test("before the fragment", () => {
    const data = mdat(bodies(3, 20));
    const late = moof(() => [
      { id: 2, baseIsMoof: true, ...frames, runs: [{ count: 3, offset: -60 }] },
    ]);
    expect(marks(read([...head, data, late]))).toEqual([1, 2, 3]);
  });

  test("behind other boxes and other fragments, in this segment or the next", () => {
    const second = moof(() => [
      { id: 2, baseIsMoof: true, ...frames, tfdt: 2880, runs: [{ count: 3, offset: 0 }] },
    ]);
    const between = [
      box("emsg", new Uint8Array(33)),
      box("sidx", new Uint8Array(9)),
      box("prft", new Uint8Array(20)),
    ];
    const gap = concat(between).length;
    const parts = (firstOffset: number, secondOffset: number): Uint8Array[] => [
      moof(() => [
        { id: 2, baseIsMoof: true, ...frames, tfdt: 0, runs: [{ count: 3, offset: firstOffset }] },
      ]),
      moof(() => [
        {
          id: 2,
          baseIsMoof: true,
          ...frames,
          tfdt: 2880,
          runs: [{ count: 3, offset: secondOffset }],
        },
      ]),
    ];
    const size = second.length;
    const fragments = parts(2 * size + gap + 8, size + gap + 8 + 60);
    const data = mdat(bodies(6, 20));
    const whole = read([...head, ...fragments, ...between, data]);
    expect(marks(whole)).toEqual([1, 2, 3, 4, 5, 6]);
    const demuxer = new Mp4Demuxer();
    expect(read([...head, ...fragments, ...between], demuxer)).toEqual([]);
    expect(read([data], demuxer)).toEqual(whole);
  });

  test("in a box with a size of 64 bits, or one that reaches to the end of its segment", () => {
    const runs = [{ count: 3 }];
    const long = moof((size) => [
      { id: 2, baseIsMoof: true, size: 20, duration: 960, runs: [{ count: 3, offset: size + 16 }] },
    ]);
    expect(marks(read([...head, long, longBox("mdat", bodies(3, 20))]))).toEqual([1, 2, 3]);
    const [moofBox = new Uint8Array(), data = new Uint8Array()] = fragment(
      { size: 20, duration: 960, runs },
      bodies(3, 20),
    );
    const open = concat([Uint8Array.from(u32(0)), data.subarray(4)]);
    const demuxer = new Mp4Demuxer();
    for (let round = 0; round < 2; round++) {
      expect(marks(read([...head, moofBox, open], demuxer))).toEqual([1, 2, 3]);
    }
  });

  test("a box that the end of a segment cuts goes on in the next, unless that begins with a box of its own", () => {
    const bytes = concat([...head, ...fragment(frames, bodies(3, 20))]);
    for (const cut of [bytes.length - 50, bytes.length - 61, bytes.length - 65, 300]) {
      const demuxer = new Mp4Demuxer();
      const packets = [
        ...read([bytes.subarray(0, cut)], demuxer),
        ...read([bytes.subarray(cut)], demuxer),
      ];
      expect(marks(packets)).toEqual([1, 2, 3]);
      const other = new Mp4Demuxer();
      read([bytes.subarray(0, cut)], other);
      expect(marks(read([bytes], other))).toEqual([1, 2, 3]);
    }
  });
});

describe("a first fragment that the moov lists", () => {
  const table = (at: number, equal = false): Uint8Array[] => [
    fullBox("stts", 0, u32(2), u32(1), u32(960), u32(3), u32(480)),
    fullBox("stsc", 0, u32(2), u32(1), u32(1), u32(1), u32(2), u32(3), u32(1)),
    equal
      ? fullBox("stsz", 0, u32(20), u32(4))
      : fullBox("stsz", 0, u32(0), u32(4), u32(20), u32(20), u32(20), u32(20)),
    fullBox("stco", 0, u32(2), u32(at), u32(at + 20)),
  ];

  test("is read with its data in front of the box or behind it", () => {
    const frames = { size: 20, duration: 960, tfdt: 2400, runs: [{ count: 2 }] } as const;
    for (const equal of [false, true]) {
      const start = ftyp();
      const data = mdat(bodies(4, 20));
      const before = moov([{ ...OPUS, table: table(start.length + 8, equal) }]);
      const behind = moov([{ ...OPUS, table: table(start.length + before.length + 8, equal) }]);
      for (const parts of [
        [start, data, before],
        [start, behind, data],
      ]) {
        const packets = read([...parts, ...fragment(frames, bodies(2, 20))]);
        expect(times(packets)).toEqual([0, 1800, 2700, 3600, 4500, 6300]);
        expect(marks(packets)).toEqual([1, 2, 3, 4, 1, 2]);
      }
    }
  });

  test("does not claim more than its bytes and its data hold", () => {
    const start = ftyp();
    const huge = [
      fullBox("stts", 0, u32(1), u32(0xffffffff), u32(1)),
      fullBox("stsc", 0, u32(1), u32(1), u32(0xffffffff), u32(1)),
      fullBox("stsz", 0, u32(1), u32(0xffffffff)),
      fullBox("stco", 0, u32(0xffffffff), u32(start.length + 8)),
    ];
    expect(read([start, mdat(bodies(4, 20)), moov([{ ...OPUS, table: huge }])]).length).toBe(80);
  });
});

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
