import { describe, expect, test } from "bun:test";
import {
  type AccessUnit,
  AccessUnitAssembler,
} from "../../../../../src/engine/source/ts/access-unit-assembler.ts";
import type { Pes } from "../../../../../src/engine/source/ts/pes-assembler.ts";
import { ticks } from "../../../../../src/media/time.ts";
import {
  AUD,
  HEVC_AUD,
  hevcSets,
  hevcSlice,
  pps,
  sei,
  slice,
  sps,
} from "../../../../support/nal-builder.ts";
import { concat } from "../../../../support/ts-builder.ts";

const pesOf = (parts: readonly Uint8Array[], stamp: number | null): Pes => ({
  data: concat(parts),
  stamp: stamp === null ? null : { pts: ticks(stamp), dts: ticks(stamp) },
  mayContinue: false,
});

/** All units of some PES, the end of the input included. */
function unitsOf(pes: readonly Pes[], codec: "h264" | "hevc" = "h264"): AccessUnit[] {
  const assembler = new AccessUnitAssembler(codec);
  return [...pes.flatMap((each, index) => assembler.push(each, index)), ...assembler.end()];
}

/** Pictures of four slices each, the first an IDR picture behind its parameter sets. */
const picture = (index: number, slices = 4): Uint8Array[] => {
  const idr = index === 0;
  const frame = { idr, frameNum: index % 16, order: 2 * index };
  return [
    ...(idr ? [sps(), pps()] : []),
    ...Array.from({ length: slices }, (_, part) => slice({ ...frame, first: part * 75 })),
  ];
};
const pictures = (slices = 4): Uint8Array[][] =>
  Array.from({ length: 6 }, (_, index) => picture(index, slices));

const whole = (slices = 4): string[] =>
  pictures(slices).map((parts) => Buffer.from(concat(parts)).toString("hex"));
/** Zeros between two NAL units may go with either. */
const hex = (units: readonly AccessUnit[]): string[] =>
  units.map(({ data }) =>
    Buffer.from(data)
      .toString("hex")
      .replace(/^0*1/, "00000001")
      .replace(/(00)+$/, ""),
  );

describe("pictures come out whole, whatever a PES holds", () => {
  const stamped = (unit: Uint8Array[][]): Pes[] =>
    unit.map((parts, index) => pesOf(parts, index * 3600));

  test("one picture a PES", () => {
    const units = unitsOf(stamped(pictures()));
    expect(hex(units)).toEqual(whole());
    expect(units.map(({ stamp }) => Number(stamp?.pts))).toEqual([
      0, 3600, 7200, 10800, 14400, 18000,
    ]);
  });

  for (const slices of [2, 4, 7]) {
    test(`${slices} slices in a PES each, all with the picture's stamp`, () => {
      const pes = pictures(slices).flatMap((parts, index) => {
        const sets = parts.length - slices;
        const first = pesOf(parts.slice(0, sets + 1), index * 3600);
        return [first, ...parts.slice(sets + 1).map((part) => pesOf([part], index * 3600))];
      });
      const units = unitsOf(pes);
      expect(hex(units)).toEqual(whole(slices));
      expect(units.map(({ stamp }) => Number(stamp?.pts) / 3600)).toEqual([0, 1, 2, 3, 4, 5]);
    });
  }

  test("every NAL unit in a PES of its own, the first of a picture with a stamp", () => {
    const pes = pictures().flatMap((parts, index) =>
      [AUD, ...parts].map((part, place) => pesOf([part], place === 0 ? index * 3600 : null)),
    );
    const units = unitsOf(pes);
    expect(units.map(({ data }) => data.length - AUD.length)).toEqual(
      whole().map((text) => text.length / 2),
    );
    expect(units.map(({ stamp }) => Number(stamp?.pts) / 3600)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("delimiter, sets and messages apart from the slices", () => {
    const pes = pictures(1).flatMap((parts, index) => [
      pesOf([AUD, sei(1), ...parts.slice(0, -1)], index * 3600),
      pesOf(parts.slice(-1), index * 3600),
    ]);
    const units = unitsOf(pes);
    expect(units.length).toBe(6);
    expect(units.map(({ stamp }) => Number(stamp?.pts) / 3600)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(units.map(({ keyFrame }) => keyFrame)).toEqual([
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  test("two and three pictures in a PES, one stamp for all of them", () => {
    for (const each of [2, 3]) {
      const all = pictures();
      const pes = Array.from({ length: 6 / each }, (_, index) =>
        pesOf(all.slice(index * each, (index + 1) * each).flat(), index * 3600 * each),
      );
      const units = unitsOf(pes);
      expect(hex(units)).toEqual(whole());
      expect(units.map(({ stamp }) => stamp && stamp.pts / 3600)).toEqual(
        [0, 1, 2, 3, 4, 5].map((index) => (index % each === 0 ? index : null)),
      );
    }
  });

  test("PES of a fixed size, cut anywhere", () => {
    const bytes = concat(pictures().flat());
    for (const size of [1, 2, 3, 5, 40, 64, 97, 256, 1000]) {
      const pes: Pes[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        pes.push(pesOf([bytes.subarray(at, at + size)], null));
      }
      expect(hex(unitsOf(pes))).toEqual(whole());
    }
  });

  test("a PES of a fixed size that begins with a slice, or within a start code, stamps the next picture", () => {
    const all = pictures(1).map((parts) => concat([AUD, ...parts]));
    const begins = all.map((_, index) => concat(all.slice(0, index)).length);
    for (const cut of [AUD.length, 1, 2]) {
      // The third PES begins inside the fifth picture and holds the start of the sixth.
      const offset = ((begins[4] ?? 0) + cut) % 2;
      const size = ((begins[4] ?? 0) + cut + offset) / 2;
      const stream = concat([new Uint8Array(offset), ...all]);
      const pes: Pes[] = [];
      for (let at = 0; at < stream.length; at += size) {
        const first = begins.findIndex(
          (begin) => begin >= at - offset && begin < at - offset + size,
        );
        pes.push(pesOf([stream.subarray(at, at + size)], first < 0 ? null : first * 3600));
      }
      const stamps = unitsOf(pes).map(({ stamp }) => stamp && stamp.pts / 3600);
      expect(stamps).toEqual([0, null, 2, null, null, 5]);
    }
  });

  test("H.265 slices in a PES each, with and without a delimiter", () => {
    for (const delimiter of [[], [HEVC_AUD]]) {
      const pes = Array.from({ length: 5 }, (_, index) => {
        const type = index === 0 ? 19 : 1;
        return [
          pesOf(
            [...delimiter, ...(index === 0 ? hevcSets() : []), hevcSlice(type, { order: index })],
            index * 3600,
          ),
          pesOf([hevcSlice(type, { first: false })], index * 3600),
          pesOf([hevcSlice(type, { first: false })], index * 3600),
        ];
      });
      const units = unitsOf(pes.flat(), "hevc");
      expect(hex(units)).toEqual(
        pes.map((own) => Buffer.from(concat(own.map(({ data }) => data))).toString("hex")),
      );
      expect(units.map(({ keyFrame }) => keyFrame)).toEqual([true, false, false, false, false]);
      expect(units.map(({ slice: { order } }) => order)).toEqual([0, 1, 2, 3, 4]);
    }
  });

  test("both fields of a frame are one unit, in one PES or in two", () => {
    const frames = Array.from({ length: 4 }, (_, index) => {
      const frame = { frameNum: index, order: 2 * index };
      const fields = [
        slice({ ...frame, idr: index === 0, field: "bottom" }),
        slice({ ...frame, order: 2 * index + 1, field: "top" }),
      ];
      return [
        [...(index === 0 ? [sps({ interlaced: true, height: 16 }), pps()] : []), fields[0]],
        [fields[1]],
      ];
    }) as Uint8Array[][][];
    const apart = frames.flatMap(([a = [], b = []], index) => [
      pesOf([AUD, ...a], index * 3600),
      pesOf([AUD, ...b], index * 3600 + 1800),
    ]);
    const together = frames.map((fields, index) => pesOf(fields.flat(), index * 3600));
    for (const pes of [apart, together]) {
      const units = unitsOf(pes);
      expect(units.map(({ stamp }) => Number(stamp?.pts) / 3600)).toEqual([0, 1, 2, 3]);
      expect(units.map(({ slice: { field } }) => field)).toEqual(Array(4).fill("bottom"));
    }
  });
});

describe("latency", () => {
  test("of whole PES: from the second picture on, each leaves with its own PES", () => {
    const assembler = new AccessUnitAssembler("h264");
    const counts = pictures().map((parts, index) => assembler.push(pesOf(parts, 0), index).length);
    expect(counts).toEqual([0, 2, 1, 1, 1, 1]);
  });

  test("of split pictures: each leaves with the first PES of the next one", () => {
    const assembler = new AccessUnitAssembler("h264");
    const counts = pictures(2).map((parts, index) => [
      assembler.push(pesOf(parts.slice(0, -1), 0), index).length,
      assembler.push(pesOf(parts.slice(-1), 0), index).length,
    ]);
    expect(counts).toEqual([[0, 0], ...Array(5).fill([1, 0])]);
  });

  test("of PES as large as there are: the first one waits, in case its picture goes on", () => {
    const assembler = new AccessUnitAssembler("h264");
    const full = (parts: readonly Uint8Array[]): Pes => ({ ...pesOf(parts, 0), mayContinue: true });
    const all = pictures();
    const push = (index: number, pes: typeof full): number =>
      assembler.push(pes(all[index] ?? []), index).length;
    const plain = (parts: readonly Uint8Array[]): Pes => pesOf(parts, 0);
    expect([0, 1].map((index) => push(index, plain))).toEqual([0, 2]);
    expect([2, 3, 4].map((index) => push(index, full))).toEqual([0, 2, 1]);
  });

  test("a sender that begins to split loses the rest of one picture and no other", () => {
    const assembler = new AccessUnitAssembler("h264");
    const all = pictures(2);
    const found = [
      ...all.slice(0, 3).flatMap((parts) => assembler.push(pesOf(parts, 0), 0)),
      ...all
        .slice(3)
        .flatMap((parts) => parts.flatMap((part) => assembler.push(pesOf([part], 0), 0))),
      ...assembler.end(),
    ];
    expect(found.map(({ data }) => data.length)).toEqual(
      whole(2).map((text, index) => (index === 3 ? 68 : text.length / 2)),
    );
  });
});

describe("key frames", () => {
  const keys = (pes: readonly Uint8Array[][], codec: "h264" | "hevc" = "h264"): boolean[] =>
    unitsOf(
      pes.map((parts) => pesOf(parts, 0)),
      codec,
    ).map(({ keyFrame }) => keyFrame);
  const p = (frameNum: number): Uint8Array[] => [slice({ frameNum, order: 2 * frameNum })];

  test("of H.264 are IDR pictures, recovery points, and I pictures behind an SPS", () => {
    expect(
      keys([
        [sps(), pps(), slice({ idr: true })],
        p(1),
        [sei(6), slice({ intra: true, frameNum: 2, order: 4 })],
        [sei(6), ...p(3)],
        [sps(), pps(), slice({ intra: true, frameNum: 4, order: 8 })],
        [slice({ intra: true, frameNum: 5, order: 10 })],
        [sps(), pps(), ...p(6)],
        [sei(5), ...p(7)],
      ]),
    ).toEqual([true, false, true, true, true, false, false, false]);
  });

  test("of H.265 are IRAP pictures", () => {
    expect(
      keys(
        [
          [...hevcSets(), hevcSlice(21)],
          [hevcSlice(9, { order: 1 })],
          [hevcSlice(1, { order: 2 })],
          [hevcSlice(20)],
          [hevcSlice(16, { order: 3 })],
        ],
        "hevc",
      ),
    ).toEqual([true, false, false, true, true]);
  });

  test("without their parameter sets get those that came before", () => {
    const [first, , third] = unitsOf([
      pesOf([sps(), pps(), slice({ idr: true })], 0),
      pesOf(p(1), 0),
      pesOf([slice({ idr: true })], 0),
    ]);
    expect(hex(third ? [third] : [])).toEqual(hex(first ? [first] : []));
  });
});

test("what is larger than any picture is dropped, and the next one is whole", () => {
  const assembler = new AccessUnitAssembler("h264");
  const large = pesOf([slice({ bytes: 60_000 })], 0);
  for (let bytes = 0; bytes < 17 * 2 ** 20; bytes += 60_000) {
    assembler.push({ ...large, data: large.data.subarray(8) }, 0);
  }
  const found = pictures().flatMap((parts) => assembler.push(pesOf(parts, 0), 0));
  expect(hex([...found, ...assembler.end()]).slice(-5)).toEqual(whole().slice(1));
});

test("a sender of zeros, tiny PES packets or tiny NAL units costs linear time", () => {
  const hostile: readonly (readonly [name: string, data: Uint8Array, count: number])[] = [
    ["zeros", new Uint8Array(65_000), 300],
    ["slices", slice({ first: 5, bytes: 100 }), 60_000],
    ["NAL units", concat(Array(2000).fill(Uint8Array.of(0, 0, 1, 6))), 300],
  ];
  for (const [name, data, count] of hostile) {
    const assembler = new AccessUnitAssembler("h264");
    for (const parts of pictures(2)) for (const part of parts) assembler.push(pesOf([part], 0), 0);
    const started = performance.now();
    for (let each = 0; each < count; each++) assembler.push({ ...pesOf([], 0), data }, 0);
    assembler.end();
    expect([name, performance.now() - started < 3000]).toEqual([name, true]);
  }
});
