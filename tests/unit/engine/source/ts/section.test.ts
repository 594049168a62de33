import { expect, test } from "bun:test";
import { TsDemuxer } from "../../../../../src/engine/source/ts/demux.ts";
import { readTsPacket } from "../../../../../src/engine/source/ts/packet.ts";
import { SectionAssembler } from "../../../../../src/engine/source/ts/section.ts";
import { AAC, concat, H264, tables, tsPacket } from "../../../../support/ts-builder.ts";
import { video } from "../../../../support/ts-segment.ts";

/** Private streams with long descriptors: a map of three packets, ours at its end. */
const OTHERS = Array.from({ length: 5 }, (_, index) => ({
  pid: 0x400 + index,
  type: 0x06,
  descriptors: [0x0a, 90, ...new Array<number>(90).fill(index)],
}));

const push = (assembler: SectionAssembler, packet: Uint8Array | undefined): Uint8Array[] => {
  const read = packet && readTsPacket(packet, 0);
  if (!read) throw new Error("no packet");
  return assembler.push(read);
};

test("a map longer than a packet is read, with another track's packets between its own", () => {
  const demuxer = new TsDemuxer();
  const [pat, ...map] = tables([...OTHERS, H264, AAC]);
  expect(map.length).toBe(3);
  const other = tsPacket(new Uint8Array(100), { pid: 0x400 });
  demuxer.push(concat([pat ?? other, ...map.flatMap((packet) => [packet, other])]), 0);
  expect(demuxer.announcedAudio?.codec ?? null).toBe("aac");
  expect(demuxer.push(concat([...video(0, 500, true), ...video(1, 500)]), 0).length).toBe(2);
});

test("a table with a flipped bit is ignored: the previous one stays valid", () => {
  const clean = tables([H264, AAC]);
  for (let bit = 0; bit < 8 * 28; bit++) {
    const demuxer = new TsDemuxer();
    demuxer.push(concat(clean), 0);
    const [pat, map] = tables([H264, AAC]);
    const at = 5 + (bit >> 3);
    if (map) map[at] = (map[at] ?? 0) ^ (1 << (bit & 7));
    demuxer.push(concat([pat ?? new Uint8Array(0), map ?? new Uint8Array(0)]), 0);
    expect(demuxer.announcedAudio?.codec ?? null).toBe("aac");
    expect(demuxer.push(concat([...video(0, 500, true), ...video(1, 500)]), 0).length).toBe(2);
  }
});

test("a section that ends where the pointer of the next one says is whole", () => {
  const [, ...map] = tables([...OTHERS, H264]);
  const whole = concat(map.map((packet) => packet.subarray(4)));
  const length = (((whole[2] ?? 0) & 15) << 8) | (whole[3] ?? 0);
  const section = whole.subarray(1, 4 + length);
  const split = 180;
  const assembler = new SectionAssembler();
  const first = concat([Uint8Array.from([0]), section.subarray(0, split)]);
  expect(push(assembler, tsPacket(first, { unitStart: true }))).toEqual([]);
  const middle = section.subarray(split, split + 184);
  expect(push(assembler, tsPacket(middle))).toEqual([]);
  const rest = section.subarray(split + 184);
  const short = concat(tables([H264]).slice(1)).subarray(5, 40);
  const last = concat([Uint8Array.from([rest.length]), rest, short]);
  expect(rest.length + short.length).toBeLessThan(183);
  const found = push(assembler, tsPacket(last, { unitStart: true }));
  expect(found[0]).toEqual(section);
  expect(found.length).toBe(2);
});

test("bytes before the first start and dropped sections give nothing", () => {
  const [, first, second, third] = tables([...OTHERS, H264]);
  const assembler = new SectionAssembler();
  expect(push(assembler, second)).toEqual([]);
  push(assembler, first);
  assembler.drop();
  expect([...push(assembler, second), ...push(assembler, third)]).toEqual([]);
});
