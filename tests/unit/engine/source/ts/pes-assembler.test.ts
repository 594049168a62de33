import { describe, expect, test } from "bun:test";
import { readTsPacket } from "../../../../../src/engine/source/ts/packet.ts";
import { type Pes, PesAssembler } from "../../../../../src/engine/source/ts/pes-assembler.ts";
import { StampClock } from "../../../../../src/engine/source/ts/stamp-clock.ts";
import {
  concat,
  pes,
  type TsOptions,
  tsPacket,
  tsPackets,
} from "../../../../support/ts-builder.ts";

const payload = (size: number, fill = 0x33): Uint8Array => new Uint8Array(size).fill(fill);

function push(assembler: PesAssembler, packet: Uint8Array): readonly Pes[] {
  const read = readTsPacket(packet, 0);
  if (!read) throw new Error("no packet");
  return assembler.push(read);
}

const pushAll = (assembler: PesAssembler, packets: Uint8Array[]): Pes[] =>
  packets.flatMap((packet) => push(assembler, packet));

/** A PES of `size` bytes in all, so that it fills its packets or leaves room. */
const unit = (size: number, pts: number, options: TsOptions = {}): Uint8Array[] =>
  tsPackets(pes(payload(size - 14, pts & 0xff), { pts }), options);

describe("a PES without length", () => {
  test("is complete with the packet that carries stuffing, before the next begins", () => {
    const assembler = new PesAssembler(new StampClock());
    const packets = unit(500, 7);
    expect(pushAll(assembler, packets.slice(0, -1))).toEqual([]);
    const done = pushAll(assembler, packets.slice(-1));
    expect(done.map(({ data, stamp }) => [data.length, Number(stamp?.pts)])).toEqual([[486, 7]]);
    expect(assembler.end()).toBeNull();
  });

  test("that fills its packets to the last byte waits for the next start", () => {
    const assembler = new PesAssembler(new StampClock());
    expect(pushAll(assembler, unit(184 * 3, 1))).toEqual([]);
    const done = pushAll(assembler, unit(184 * 2, 2).slice(0, 1));
    expect(done.map(({ data }) => data.length)).toEqual([184 * 3 - 14]);
  });

  test("ends with its segment", () => {
    const assembler = new PesAssembler(new StampClock());
    pushAll(assembler, unit(184 * 3, 1));
    expect(assembler.endSegment()?.data.length).toBe(184 * 3 - 14);
    expect(assembler.endSegment()).toBeNull();
  });

  test("from a muxer that stuffs in the middle loses the end of the first one only", () => {
    const assembler = new PesAssembler(new StampClock());
    const stuffing = (pts: number): Uint8Array[] => {
      const bytes = pes(payload(400), { pts });
      return [
        tsPacket(bytes.subarray(0, 150), { unitStart: true }),
        tsPacket(bytes.subarray(150, 300)),
        tsPacket(bytes.subarray(300)),
      ];
    };
    const done = [1, 2, 3, 4].flatMap((pts) => pushAll(assembler, stuffing(pts)));
    const last = assembler.end();
    expect([...done, last].map((each) => [Number(each?.stamp?.pts), each?.data.length])).toEqual([
      [1, 136],
      [2, 400],
      [3, 400],
      [4, 400],
    ]);
  });

  test("still ends by stuffing after a damaged start was dropped", () => {
    const assembler = new PesAssembler(new StampClock());
    pushAll(assembler, unit(500, 1));
    assembler.drop(); // the error bit on the next one's first packet
    pushAll(assembler, unit(500, 2).slice(1));
    expect(pushAll(assembler, unit(500, 3)).map(({ stamp }) => Number(stamp?.pts))).toEqual([3]);
  });
});

describe("a PES with its length", () => {
  const sized = (size: number, pts: number): Uint8Array[] =>
    tsPackets(pes(payload(size), { pts, sized: true }));

  test("is complete with its last byte, without stuffing", () => {
    const assembler = new PesAssembler(new StampClock());
    const exact = sized(184 * 2 - 14, 5);
    expect(pushAll(assembler, exact.slice(0, -1))).toEqual([]);
    expect(pushAll(assembler, exact.slice(-1))[0]?.data.length).toBe(184 * 2 - 14);
  });

  test("is not ended by stuffing in its middle", () => {
    const assembler = new PesAssembler(new StampClock());
    const bytes = pes(payload(300), { pts: 5, sized: true });
    const done = pushAll(assembler, [
      tsPacket(bytes.subarray(0, 100), { unitStart: true }),
      tsPacket(bytes.subarray(100, 200)),
      tsPacket(bytes.subarray(200, 300)),
      tsPacket(bytes.subarray(300)),
    ]);
    expect(done.map(({ data }) => data.length)).toEqual([300]);
  });

  test("goes on in the next segment", () => {
    const assembler = new PesAssembler(new StampClock());
    const packets = sized(900, 5);
    pushAll(assembler, packets.slice(0, 2));
    expect(assembler.endSegment()).toBeNull();
    expect(pushAll(assembler, packets.slice(2)).map(({ data }) => data.length)).toEqual([900]);
  });

  test("drops bytes behind its end", () => {
    const assembler = new PesAssembler(new StampClock());
    const bytes = concat([pes(payload(100), { pts: 5, sized: true }), payload(60, 0xff)]);
    const done = push(assembler, tsPacket(bytes, { unitStart: true }));
    expect(done[0]?.data).toEqual(payload(100));
  });
});

test("bytes before the first start and a dropped PES are left out", () => {
  const assembler = new PesAssembler(new StampClock());
  pushAll(assembler, unit(500, 1).slice(1));
  expect(assembler.end()).toBeNull();
  pushAll(assembler, unit(500, 1).slice(0, 2));
  assembler.drop();
  expect(assembler.end()).toBeNull();
});

test("a PES without a timestamp is handed on without one", () => {
  const assembler = new PesAssembler(new StampClock());
  const bytes = pes(payload(50), { pts: 1 });
  bytes[7] = 0;
  const [only] = push(assembler, tsPacket(bytes, { unitStart: true }));
  expect(only?.stamp).toBeNull();
  expect(only?.data).toEqual(payload(50));
});

test("a PES without a start code or without a payload is left out", () => {
  const assembler = new PesAssembler(new StampClock());
  const good = pes(payload(50), { pts: 1 });
  const headless = good.slice();
  headless[2] = 0;
  for (const bytes of [headless, pes(payload(0), { pts: 1 }), good.subarray(0, 4)]) {
    expect(push(assembler, tsPacket(bytes, { unitStart: true }))).toEqual([]);
  }
  expect(push(assembler, tsPacket(good, { unitStart: true })).length).toBe(1);
});

test("timestamps keep all 33 bits, and dts comes from its own field", () => {
  const assembler = new PesAssembler(new StampClock());
  const top = 2 ** 33 - 1;
  const bytes = pes(payload(20), { pts: top, dts: top - 3003 });
  const [only] = push(assembler, tsPacket(bytes, { unitStart: true }));
  expect([Number(only?.stamp?.pts), Number(only?.stamp?.dts)]).toEqual([top, top - 3003]);
});

test("a pts far from its dts is damaged and replaced by the dts", () => {
  const assembler = new PesAssembler(new StampClock());
  const shown = (pts: number, dts: number): number[] =>
    push(assembler, tsPacket(pes(payload(20), { pts, dts }), { unitStart: true })).map((each) =>
      Number(each.stamp?.pts),
    );
  expect(shown(9000, 3000)).toEqual([9000]);
  expect(shown(12_000 + 2 ** 32, 6000)).toEqual([6000]);
  expect(shown(12_000 + 2 ** 20, 9000)).toEqual([9000]);
});

test("timestamps keep rising over the wrap at 2^33, and over a second one", () => {
  const assembler = new PesAssembler(new StampClock());
  const seen: number[] = [];
  const step = 2 ** 31;
  for (let index = 0; index < 12; index++) {
    const bytes = pes(payload(20), { pts: (index * step) % 2 ** 33 });
    for (const each of push(assembler, tsPacket(bytes, { unitStart: true })))
      seen.push(Number(each.stamp?.pts));
  }
  expect(seen).toEqual(Array.from({ length: 12 }, (_, index) => index * step));
});

test("a B-frame before the wrap stays next to its reference after the wrap", () => {
  const assembler = new PesAssembler(new StampClock());
  const at = (pts: number, dts: number): number[] =>
    push(assembler, tsPacket(pes(payload(20), { pts, dts }), { unitStart: true })).map((each) =>
      Number(each.stamp?.pts),
    );
  expect(at(2 ** 33 - 3000, 2 ** 33 - 6000)).toEqual([2 ** 33 - 3000]);
  expect(at(6000, 2 ** 33 - 3000)).toEqual([2 ** 33 + 6000]);
  expect(at(0, 0)).toEqual([2 ** 33]);
});

test("a PES that never ends is dropped at 16 MiB", () => {
  const assembler = new PesAssembler(new StampClock());
  push(assembler, tsPacket(pes(payload(170), { pts: 1 }), { unitStart: true }));
  const more = tsPacket(payload(184));
  for (let bytes = 0; bytes < 16.1 * 2 ** 20; bytes += 184) push(assembler, more);
  expect(assembler.end()).toBeNull();
});
