/** What cannot be read of an MP4 input costs itself, is named, and never more memory or time than it deserves. */
import { describe, expect, test } from "bun:test";
import { Mp4Demuxer } from "../../../../../src/engine/source/mp4/demux.ts";
import type { EncodedPacket } from "../../../../../src/media/encoded-packet.ts";
import {
  audioFields,
  avc1,
  box,
  ftyp,
  fullBox,
  mdat,
  moof,
  moov,
  mp4a,
  opusEntry,
  type Run,
  slice,
  type TrackOptions,
  visualFields,
} from "../../../../support/mp4-builder.ts";
import { concat } from "../../../../support/ts-builder.ts";

const VIDEO: TrackOptions = { id: 1, kind: "vide", timescale: 90_000, entries: [avc1()] };
const OPUS: TrackOptions = { id: 2, kind: "soun", timescale: 48_000, entries: [opusEntry()] };
const HEAD = [ftyp(), moov([VIDEO, OPUS])];

/** A fragment of one picture. */
const picture = (): Uint8Array[] => [
  moof((size) => [
    {
      id: 1,
      duration: 3000,
      baseIsMoof: true,
      runs: [{ count: 1, sizes: [30], offset: size + 8 }],
    },
  ]),
  mdat(slice(30, "idr")),
];

/** Milliseconds of processor time, which other programs do not add to. */
const cpuMs = (): number => process.cpuUsage().user / 1000;

const messages = (demuxer: Mp4Demuxer): (string | null)[] =>
  demuxer.takeTroubles().map(({ error }) => error?.message ?? null);

function read(parts: readonly Uint8Array[], demuxer: Mp4Demuxer): EncodedPacket[] {
  return [...demuxer.push(concat(parts), 0), ...demuxer.endSegment(0)];
}

describe("a fragment whose samples cannot be", () => {
  const MEGABYTE = 1024 * 1024;
  const hostile = (run: (offset: number) => Partial<Run> & { count: number }): Uint8Array[] => [
    moof((size) => [{ id: 1, duration: 1, size: 1, baseIsMoof: true, runs: [run(size + 8)] }]),
    mdat(new Uint8Array(MEGABYTE)),
  ];
  const same = (count: number): Uint8Array[] => [
    moof((size) => [
      {
        id: 1,
        duration: 1,
        size: MEGABYTE,
        baseIsMoof: true,
        runs: Array.from({ length: count }, () => ({ count: 1, offset: size + 8 })),
      },
    ]),
    mdat(new Uint8Array(MEGABYTE)),
  ];

  test.each([
    ["name the same megabyte thousands of times", same(4000)],
    [
      "are four billion without a field of their own",
      hostile((offset) => ({ count: 0xffffffff, offset })),
    ],
    ["are millions of one byte", hostile((offset) => ({ count: 900_000, offset }))],
  ])(
    "since they %s costs nothing but itself, and is reported until the next good one",
    (_, parts) => {
      const demuxer = new Mp4Demuxer();
      read(HEAD, demuxer);
      messages(demuxer);
      const begun = cpuMs();
      for (let round = 0; round < 20; round++) expect(read(parts, demuxer)).toEqual([]);
      expect(cpuMs() - begun).toBeLessThan(2000);
      expect(messages(demuxer)[0]).toMatch(/damaged fragments, which are dropped: /);
      expect(read(picture(), demuxer).length).toBe(1);
      expect(messages(demuxer)).toEqual([null]);
    },
  );

  test("since their time is beyond all clocks costs itself, and is reported", () => {
    const demuxer = new Mp4Demuxer();
    read(HEAD, demuxer);
    messages(demuxer);
    for (const tfdt of [2 ** 62, 2 ** 64 - 2048]) {
      const beyond = moof((size) => [
        {
          id: 1,
          duration: 3000,
          tfdt,
          baseIsMoof: true,
          runs: [{ count: 1, sizes: [30], offset: size + 8 }],
        },
      ]);
      expect(read([beyond, mdat(slice(30, "idr"))], demuxer)).toEqual([]);
    }
    expect(messages(demuxer)[0]).toMatch(/damaged fragments.*beyond all clocks/);
  });

  test("is reported although a good one follows at once", () => {
    const demuxer = new Mp4Demuxer();
    read(HEAD, demuxer);
    messages(demuxer);
    expect(read([...same(4000), ...picture()], demuxer).length).toBe(1);
    expect(messages(demuxer)[0]).toMatch(/damaged fragments/);
    read(picture(), demuxer);
    expect(messages(demuxer)).toEqual([null]);
  });

  test("is reported once in a stream whose segments all have their own moov", () => {
    const demuxer = new Mp4Demuxer();
    const told = Array.from({ length: 5 }, () => {
      read([...HEAD, ...same(4000)], demuxer);
      return messages(demuxer);
    });
    expect(told.flat().length).toBe(1);
  });

  test("since they go on behind its data gives those that are there", () => {
    const demuxer = new Mp4Demuxer();
    const cut = moof((size) => [
      {
        id: 1,
        duration: 3000,
        baseIsMoof: true,
        runs: [{ count: 2, sizes: [30, 3000], offset: size + 8 }],
      },
    ]);
    const packets = read([...HEAD, cut, mdat(slice(30, "idr"))], demuxer);
    expect(packets.length).toBe(1);
  });

  test("since they lie in the data of the next one cost nothing of that", () => {
    const stray = (complete: boolean): EncodedPacket[] => {
      const demuxer = new Mp4Demuxer();
      read(HEAD, demuxer);
      const [next = new Uint8Array(0), data = new Uint8Array(0)] = picture();
      const behind = moof((size) => [
        {
          id: 1,
          duration: 3000,
          baseIsMoof: true,
          runs: [{ count: 1, sizes: [25], offset: size + next.length + 8 }],
        },
      ]);
      demuxer.push(behind, 0);
      if (complete) demuxer.endSegment(0);
      else demuxer.breakSegment();
      return read([next, data], demuxer);
    };
    const whole = read([...HEAD, ...picture()], new Mp4Demuxer()).map(({ data }) => data);
    for (const complete of [true, false])
      expect(stray(complete).map(({ data }) => data)).toEqual(whole);
  });

  test("since their data never comes are given up: no number of them costs more than their own bytes", () => {
    const demuxer = new Mp4Demuxer();
    read(HEAD, demuxer);
    const far = moof(() => [
      {
        id: 1,
        size: 9,
        duration: 1,
        baseIsMoof: true,
        runs: [{ count: 60_000, offset: 0x7000_0000 }],
      },
    ]);
    const begun = cpuMs();
    for (const part of [far, mdat([1]), concat([far, mdat([1])])]) {
      read(
        Array.from({ length: 20_000 }, () => part),
        demuxer,
      );
    }
    expect(cpuMs() - begun).toBeLessThan(3000);
    expect(read(picture(), demuxer).length).toBe(1);
  });
});

test("a time far before zero costs its picture and moves no other", () => {
  const demuxer = new Mp4Demuxer();
  const at = (cts: number): Uint8Array[] => [
    moof((size) => [
      {
        id: 1,
        duration: 3000,
        tfdt: 90_000,
        baseIsMoof: true,
        runs: [{ count: 1, sizes: [30], cts: [cts], offset: size + 8 }],
      },
    ]),
    mdat(slice(30, "idr")),
  ];
  const packets = read([...HEAD, ...at(0), ...at(-0x7fff_0000), ...at(0)], demuxer);
  expect(packets.map(({ pts }) => Number(pts))).toEqual([90_000, 90_000]);
});

test("length fields of one byte that say zero or one make no more than the sample's size", () => {
  const entry = avc1();
  const at = Buffer.from(entry).indexOf("avcC") + 8;
  entry[at] = 0xfc; // lengths of one byte
  const demuxer = new Mp4Demuxer();
  const size = 4 * 1024 * 1024;
  for (const fill of [0, 1]) {
    const head = moov([{ ...VIDEO, entries: [entry] }]);
    const fragment = moof((own) => [
      { id: 1, size, duration: 1, baseIsMoof: true, runs: [{ count: 1, offset: own + 8 }] },
    ]);
    const begun = cpuMs();
    const [packet] = read([head, fragment, mdat(new Uint8Array(size).fill(fill))], demuxer);
    expect(packet?.data.length ?? 0).toBeLessThan(4 * size);
    expect(cpuMs() - begun).toBeLessThan(2000);
  }
});

describe("an input that is something else", () => {
  test("a plain MP4 is named, wherever its moov is, with the way out, until fragments come", () => {
    const moovBox = moov([{ ...VIDEO, listed: 75 }], null);
    const data = mdat(new Uint8Array(1000));
    for (const parts of [
      [ftyp(), moovBox, data],
      [ftyp(), box("free"), data, moovBox],
    ]) {
      const demuxer = new Mp4Demuxer();
      expect(read(parts, demuxer)).toEqual([]);
      expect(demuxer.takeTroubles()[0]?.error?.message).toMatch(
        /plain MP4 file.*-movflags frag_keyframe\+empty_moov\+default_base_moof.*or MPEG-TS/,
      );
      expect(read([ftyp(), moov([VIDEO]), ...picture()], demuxer).length).toBe(1);
      expect(demuxer.takeTroubles()).toEqual([{ part: "input", error: null }]);
    }
  });

  test("a plain MP4 after live fragments costs its own segment and is reported", () => {
    const demuxer = new Mp4Demuxer();
    read([...HEAD, ...picture()], demuxer);
    messages(demuxer);
    const plain = [ftyp(), moov([{ ...VIDEO, listed: 75 }], null), mdat(new Uint8Array(1000))];
    expect(read(plain, demuxer)).toEqual([]);
    expect(messages(demuxer)[0]).toMatch(/plain MP4 file/);
    expect(read(picture(), demuxer).length).toBe(1);
    expect(messages(demuxer)).toEqual([null]);
  });

  test("a moov without mvex whose tracks are empty is a live one", () => {
    expect(read([ftyp(), moov([VIDEO], null), ...picture()], new Mp4Demuxer()).length).toBe(1);
  });

  test("a box that is too large costs its segment", () => {
    const huge = Uint8Array.from([0x40, 0, 0, 0, ...Buffer.from("mdat"), ...new Uint8Array(16)]);
    const demuxer = new Mp4Demuxer();
    expect(read([...HEAD, ...picture(), huge], demuxer).length).toBe(1);
    expect(messages(demuxer).at(-1)).toMatch(/mdat box of 1073741824 bytes/);
    expect(read(picture(), demuxer).length).toBe(1);
    expect(messages(demuxer)).toEqual([null]);
  });

  test("fragments that no moov describes are reported after two segments", () => {
    const demuxer = new Mp4Demuxer();
    expect(read(picture(), demuxer)).toEqual([]);
    expect(messages(demuxer)).toEqual([]);
    expect(read(picture(), demuxer)).toEqual([]);
    expect(messages(demuxer)[0]).toMatch(
      /without the moov box.*begin every segment with ftyp and moov/,
    );
    expect(read([...HEAD, ...picture()], demuxer).length).toBe(1);
    expect(messages(demuxer).at(-1)).toBeNull();
  });
});

describe("tracks that cannot be read are named", () => {
  const protectedEntry = (type: string, fields: number[], original: string): Uint8Array => {
    const schm = fullBox("schm", 0, [...Buffer.from("cenc")], [0, 1, 0, 0]);
    return box(type, fields, box("sinf", box("frma", [...Buffer.from(original)]), schm));
  };
  const unreadable: [string, TrackOptions, RegExp][] = [
    [
      "encrypted video",
      { ...VIDEO, entries: [protectedEntry("encv", visualFields(), "avc1")] },
      /video is encrypted avc1 \(cenc\)/,
    ],
    [
      "encrypted audio",
      { ...OPUS, entries: [protectedEntry("enca", audioFields(), "mp4a")] },
      /audio is encrypted mp4a \(cenc\).*continues without audio/,
    ],
    ["DTS by its entry", { ...OPUS, entries: [box("dtsc", audioFields())] }, /audio is DTS,/],
    ["DTS by its object type", { ...OPUS, entries: [mp4a([], 0xa9)] }, /audio is DTS,/],
    [
      "a codec that nobody knows",
      { ...OPUS, entries: [box("zzzz", audioFields())] },
      /audio is "zzzz",/,
    ],
  ];

  test.each(unreadable)("%s", (_, track, message) => {
    const demuxer = new Mp4Demuxer();
    read([moov([track])], demuxer);
    expect(messages(demuxer).filter((each) => each !== null)).toEqual([
      expect.stringMatching(message),
    ]);
  });

  test("but not where another track of their kind can be read", () => {
    const demuxer = new Mp4Demuxer();
    const dts = { ...OPUS, id: 5, entries: [box("dtsc", audioFields())] };
    read([moov([dts, VIDEO, OPUS])], demuxer);
    expect(messages(demuxer).filter((each) => each !== null)).toEqual([]);
    expect(demuxer.announcedAudio?.codec ?? null).toBe("opus");
  });
});

test("flipped, cut and doubled bytes of every kind of box never throw anything but the named error", () => {
  const good = concat([...HEAD, ...picture(), ...picture()]);
  let state = 99;
  const random = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return state % below;
  };
  let named = 0;
  for (let round = 0; round < 3000; round++) {
    const damaged = good.slice();
    for (let hit = 0; hit < 1 + random(4); hit++) damaged[random(damaged.length)] = random(256);
    const demuxer = new Mp4Demuxer();
    const from = random(3) === 0 ? random(good.length) : 0;
    const parts = [damaged.subarray(0, good.length - from), damaged.subarray(random(good.length))];
    try {
      for (const part of parts)
        for (const packet of demuxer.push(part, 0)) expect(packet.data.length).toBeLessThan(200);
      demuxer.endSegment(0);
    } catch (error) {
      expect(String(error)).toContain("WorkerError");
      named++;
    }
    messages(demuxer);
  }
  expect(named).toBeLessThan(1500);
});
