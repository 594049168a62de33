/** Tests which bytes of a fragment are which samples, in every form that senders write. */
import { describe, expect, test } from "bun:test";
import { Mp4Demuxer } from "../../../../../src/engine/source/mp4/demux.ts";
import type { EncodedPacket } from "../../../../../src/media/encoded-packet.ts";
import {
  box,
  ftyp,
  fullBox,
  longBox,
  mdat,
  moof,
  moov,
  mp4a,
  slice,
  type Traf,
  type Trex,
  u32,
} from "../../../../support/mp4-builder.ts";
import {
  AAC,
  audioOf,
  bodies,
  fragment,
  marks,
  OPUS,
  read,
  times,
  VIDEO,
  videoOf,
} from "../../../../support/mp4-fragments.ts";
import { concat } from "../../../../support/ts-builder.ts";

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
