import { describe, expect, test } from "bun:test";
import { TsDemuxer } from "../../../../../src/engine/source/ts/demux.ts";
import {
  AAC,
  accessUnit,
  concat,
  H264,
  type MapEntry,
  pat,
  pes,
  pmt,
  tsPackets,
} from "../../../../support/ts-builder.ts";
import { adts } from "../../../../support/ts-segment.ts";

const RADIO: MapEntry = { ...AAC, pid: 0x301 };
const OTHER: MapEntry = { ...H264, pid: 0x302 };
const AC3: MapEntry = { pid: 0x304, type: 0x81 };
const MPEG2: MapEntry = { pid: 0x303, type: 2 };

/** Some pictures of one track, each of `size` bytes. */
const pictures = (entry: MapEntry, size: number, count = 3): Uint8Array[] =>
  Array.from({ length: count }, (_, index) =>
    tsPackets(pes(accessUnit(size, index === 0), { pts: index * 3600 }), { pid: entry.pid }),
  ).flat();

/** The sizes of the pictures that come out, and what is reported. */
function read(...packets: Uint8Array[][]) {
  const demuxer = new TsDemuxer();
  const found = [...demuxer.push(concat(packets.flat()), 0), ...demuxer.endSegment(0)];
  return {
    sizes: found.flatMap((packet) => (packet.kind === "video" ? [packet.data.length] : [])),
    audio: demuxer.announcedAudio?.codec ?? null,
    reports: demuxer.takeTroubles().flatMap(({ error }) => (error ? [error.message] : [])),
    found,
    demuxer,
  };
}

test("the program with video is read, wherever it stands", () => {
  const maps = [
    [pmt(1, [RADIO], 0x110), pmt(2, [H264, AAC], 0x120), pmt(3, [RADIO], 0x130)],
    [pmt(3, [RADIO], 0x130), pmt(2, [H264, AAC], 0x120), pmt(1, [RADIO], 0x110)],
  ];
  for (const order of maps) {
    const programs = pat([
      [1, 0x110],
      [2, 0x120],
      [3, 0x130],
    ]);
    const { sizes, audio, reports } = read(programs, ...order, pictures(H264, 300));
    expect(sizes).toEqual([300, 300, 300]);
    expect(audio).toBe("aac");
    expect(reports).toEqual([]);
  }
});

test("of two programs with video the first one is read, whichever map comes first", () => {
  const both = [...pictures(OTHER, 500), ...pictures(H264, 300)];
  const programs = pat([
    [1, 0x110],
    [2, 0x120],
  ]);
  const maps = [pmt(2, [OTHER], 0x120), pmt(1, [H264], 0x110)];
  expect(read(programs, ...maps, both).sizes).toEqual([300, 300, 300]);
  expect(read(programs, ...maps.toReversed(), both).sizes).toEqual([300, 300, 300]);
});

test("programs that are announced and absent are not waited for", () => {
  const programs = pat([
    [7, 0x170],
    [8, 0x180],
    [2, 0x120],
  ]);
  expect(read(programs, pmt(2, [H264], 0x120), pictures(H264, 300)).sizes.length).toBe(3);
});

describe("a program none of whose pictures come", () => {
  const programs = pat([
    [1, 0x110],
    [2, 0x120],
  ]);
  const maps = [...pmt(1, [OTHER], 0x110), ...pmt(2, [H264, AAC], 0x120)];

  test("is left for one that has some, which loses none of them", () => {
    const sound = tsPackets(pes(adts(100), { pts: 0, streamId: 0xc0 }), { pid: AAC.pid });
    const { sizes, found, audio } = read(programs, maps, sound, pictures(H264, 300, 20), sound);
    expect(sizes).toEqual(Array<number>(20).fill(300));
    expect(found.find(({ kind }) => kind === "video")).toMatchObject({ keyFrame: true });
    expect(found.filter(({ kind }) => kind === "audio")).toHaveLength(2);
    expect(audio).toBe("aac");
  });

  test("costs the other one its first pictures where they are larger than is kept", () => {
    const many = [...pictures(H264, 3_000_000, 4), ...pictures(H264, 300, 20)];
    const { sizes } = read(programs, maps, many);
    expect(sizes.filter((size) => size === 300)).toHaveLength(20);
    expect(sizes.length).toBeLessThan(24);
  });

  test("is not left if they come after all: nothing of the other one is read", () => {
    const late = [...pictures(H264, 300, 7), ...pictures(OTHER, 500, 3), ...pictures(H264, 300)];
    expect(read(programs, maps, late).sizes).toEqual([500, 500, 500]);
  });

  test("is not left for one that has the same video", () => {
    const shared = [...pmt(1, [H264, AAC], 0x110), ...pmt(2, [H264, AC3], 0x120)];
    const { sizes, audio } = read(programs, shared, pictures(H264, 300, 20), programs);
    expect(sizes).toHaveLength(20);
    expect(audio).toBe("aac");
  });
});

test("programs whose maps share a PID are told apart by their numbers", () => {
  const programs = pat([
    [1, 0x110],
    [2, 0x110],
  ]);
  const maps = [...pmt(1, [RADIO], 0x110), ...pmt(2, [H264], 0x110)];
  const { sizes, audio } = read(programs, maps, pictures(H264, 300), maps, pictures(H264, 400));
  expect(sizes).toEqual([300, 300, 300, 400, 400, 400]);
  expect(audio).toBeNull();
});

test("a table of several sections is read whole, in any order", () => {
  const first = pat([[1, 0x110]], { section: 0, lastSection: 1 });
  const second = pat([[2, 0x120]], { section: 1, lastSection: 1 });
  const map = pmt(2, [H264], 0x120);
  for (const programs of [
    [...first, ...second],
    [...second, ...first],
  ]) {
    expect(read(programs, map, pictures(H264, 300)).sizes.length).toBe(3);
    expect(read(programs, map, first, pictures(H264, 300), second).sizes.length).toBe(3);
  }
});

test("tables that are not valid yet change nothing until they are", () => {
  const programs = pat([[1, 0x110]]);
  const next = { version: 1, isNext: true };
  const found = read(
    [...programs, ...pmt(1, [H264], 0x110)],
    pmt(1, [OTHER], 0x110, next),
    pat([[1, 0x190]], next),
    [...pictures(H264, 300), ...pictures(OTHER, 500)],
    pmt(1, [OTHER], 0x110, { version: 1 }),
    [...pictures(H264, 310), ...pictures(OTHER, 510)],
  );
  expect(found.sizes).toEqual([300, 300, 300, 510, 510, 510]);
});

test("video that appears later is read from then on, and one that goes is left", () => {
  const programs = pat([[1, 0x110]]);
  const { demuxer, sizes, reports } = read(
    [...programs, ...pmt(1, [AAC], 0x110), ...pictures(H264, 300)],
    pmt(1, [H264, AAC], 0x110, { version: 1 }),
    pictures(H264, 400),
  );
  expect(sizes).toEqual([400, 400, 400]);
  expect(reports).toEqual(["the input has audio only: send H.264 or H.265 with it"]);
  demuxer.push(concat(pmt(1, [AAC], 0x110, { version: 2 })), 0);
  expect(demuxer.push(concat(pictures(H264, 500)), 0)).toEqual([]);
});

test("a program that ends gives way to another with video", () => {
  const maps = [...pmt(1, [H264], 0x110), ...pmt(2, [OTHER], 0x120)];
  const found = read(
    [
      ...pat([
        [1, 0x110],
        [2, 0x120],
      ]),
      ...maps,
      ...pictures(H264, 300),
    ],
    pat([[2, 0x120]], { version: 1 }),
    [...pictures(H264, 310), ...pictures(OTHER, 500)],
  );
  expect(found.sizes).toEqual([300, 300, 300, 500, 500, 500]);
});

test("audio alone is reported once, when the maps of all programs are known or given up", () => {
  const programs = pat([
    [1, 0x110],
    [2, 0x120],
  ]);
  const radio = pmt(1, [RADIO], 0x110);
  const message = "the input has audio only: send H.264 or H.265 with it";
  expect(read(programs, radio).reports).toEqual([]);
  expect(read(programs, radio, pmt(2, [AAC], 0x120), radio).reports).toEqual([message]);
  const repeats = Array.from({ length: 9 }, () => [...programs, ...radio]);
  expect(read(...repeats)).toMatchObject({ reports: [message], audio: "aac" });
});

test("video that cannot be read is named, unless another program has some that can", () => {
  const programs = pat([
    [1, 0x110],
    [2, 0x120],
  ]);
  const maps = [...pmt(1, [MPEG2, RADIO], 0x110), ...pmt(2, [AAC], 0x120)];
  expect(read(programs, maps).reports[0]).toContain("video is MPEG-2");
  expect(read(programs, pmt(1, [MPEG2], 0x110), pmt(2, [H264], 0x120)).reports).toEqual([]);
});

test("a table of thousands of programs is bounded", () => {
  const demuxer = new TsDemuxer();
  const cpuMs = (): number => process.cpuUsage().user / 1000; // other programs add nothing to it
  const started = cpuMs();
  for (let section = 0; section < 256; section++) {
    const programs = Array.from(
      { length: 40 },
      (_, index) => [section * 40 + index + 1, 0x100 + index] as const,
    );
    demuxer.push(concat(pat(programs, { section, lastSection: 255 })), 0);
  }
  expect(cpuMs() - started).toBeLessThan(1000);
});
