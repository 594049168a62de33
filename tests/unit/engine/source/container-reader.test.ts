import { expect, test } from "bun:test";
import { ContainerReader } from "../../../../src/engine/source/container-reader.ts";
import type { IncomingChunk } from "../../../../src/trickle/client/segment-copy.ts";
import {
  cluster,
  header,
  simpleBlock,
  tracks,
  videoTrack,
  vp8Frame,
} from "../../../support/mkv-builder.ts";
import { accessUnit, concat, H264, pes, tables, tsPackets } from "../../../support/ts-builder.ts";

const PICTURES = 20;
const clip = concat([
  ...tables([H264]),
  ...Array.from({ length: PICTURES }, (_, index) =>
    tsPackets(pes(accessUnit(400, index === 0), { pts: 3000 * index })),
  ).flat(),
]);

/** Bytes that are no transport stream. */
const noise = (bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, index) => (index % 7 === 3 ? 0x47 : (index * 37) % 256));

/** The chunks of a segment, each of `size` bytes. */
const chunksOf = (data: Uint8Array, size: number, seq = 0): IncomingChunk[] =>
  Array.from({ length: Math.ceil(data.length / size) }, (_, index) => ({
    seq,
    data: data.subarray(index * size, (index + 1) * size),
    first: index === 0,
    last: (index + 1) * size >= data.length,
    complete: true,
    arrivedAt: 0,
  }));

/** The number of packets of an input of these segments. */
function countPackets(segments: readonly Uint8Array[], size: number): number {
  const reader = new ContainerReader();
  const chunks = segments.flatMap((segment, seq) => chunksOf(segment, size, seq));
  const count = chunks.flatMap((chunk) => reader.read(chunk)).length;
  reader.end();
  return count;
}

for (const size of [1, 150, 1316, 100_000]) {
  test(`in chunks of ${size} bytes, a segment that does not begin with a packet is read from the first one on`, () => {
    // The tables are repeated, as a stream that is joined in the middle needs them.
    for (const lead of [1, 55, 1000, 4000]) {
      expect(countPackets([concat([noise(lead), clip])], size)).toBe(PICTURES);
    }
    const joined = concat([clip.subarray(6 * 188 + 55), clip]);
    expect(countPackets([joined], size)).toBe(PICTURES);
  });

  test(`in chunks of ${size} bytes, noise alone is refused, and noise before a segment is left out`, () => {
    expect(() => countPackets([noise(10_000)], size)).toThrow(
      "neither MPEG-TS, fragmented MP4 nor Matroska",
    );
    expect(countPackets([noise(10_000), noise(300), clip], size)).toBe(PICTURES);
  });
}

/** The changes that are reported of the pictures of an input of these segments. */
function troublesOf(segments: readonly Uint8Array[]): (string | null)[] {
  const reader = new ContainerReader();
  const chunks = segments.flatMap((segment, seq) => chunksOf(segment, 1316, seq));
  const reported = chunks.flatMap((chunk) => {
    reader.read(chunk);
    const troubles = reader.takeTroubles().filter(({ part }) => part === "input");
    return troubles.map(({ error }) => error?.message ?? null);
  });
  return reported.filter((message, index) => message !== reported[index - 1]);
}

test("an input that ends without a picture fails with what was wrong with it last", () => {
  const mpeg2 = concat([...tables([{ pid: 0x101, type: 0x02 }]), clip.subarray(2 * 188)]);
  expect(() => countPackets([noise(5000), mpeg2], 1316)).toThrow("video is MPEG-2");
  expect(countPackets([mpeg2, clip], 1316)).toBe(PICTURES);
});

/** The pictures of the transport stream, in Matroska. */
const matroska = concat([
  header(),
  tracks(videoTrack()),
  cluster(
    0,
    ...Array.from({ length: PICTURES }, (_, index) => simpleBlock(1, index * 33, vp8Frame(true))),
  ),
]);

test.each([1, 3, 150, 100_000])(
  "in chunks of %d bytes, Matroska is recognized, also where it takes turns with a transport stream",
  (size) => {
    expect(countPackets([matroska], size)).toBe(PICTURES);
    // Browsers begin a recording with a blob of one byte.
    expect(countPackets([matroska.subarray(0, 1), matroska.subarray(1)], size)).toBe(PICTURES);
    expect(countPackets([clip, matroska, clip, matroska], size)).toBe(4 * PICTURES);
  },
);

test.each([1, 150, 100_000])(
  "in chunks of %d bytes, a stray sync byte in front of a segment is not taken for the rest of a packet",
  (size) => {
    const cut = concat([clip.subarray(0, 188 * 4), Uint8Array.of(0x47)]);
    const reader = new ContainerReader();
    const segments = [cut, concat([Uint8Array.of(0x47, 0), clip])];
    const packets = segments
      .flatMap((segment, seq) => chunksOf(segment, size, seq))
      .flatMap((chunk) => reader.read(chunk));
    const lost = packets.filter((packet) => packet.kind === "video" && packet.afterLoss);
    expect(lost).toEqual([]);
  },
);

test("what a segment began is dropped if the next segment is missing", () => {
  const [cut, second] = [matroska.length - 20, matroska.length - 10];
  const pieces = [
    matroska.subarray(0, cut),
    matroska.subarray(cut, second),
    matroska.subarray(second),
  ];
  const picture = simpleBlock(1, 0, vp8Frame(true));
  const next = concat([picture, cluster(2000, picture)]);
  const read = (seqs: readonly number[]): number => {
    const reader = new ContainerReader();
    const segments = [...pieces, next];
    return seqs
      .flatMap((seq) => chunksOf(segments[seq] ?? next, 1316, seq))
      .flatMap((chunk) => reader.read(chunk)).length;
  };
  expect(read([0, 1, 2, 3])).toBe(PICTURES + 2);
  expect(read([0, 2, 3])).toBe(PICTURES);
});

test.each([
  ["MPEG-TS", clip],
  ["Matroska", matroska],
])(
  "of %s, the first picture after a missing or broken segment says that others are lost",
  (_, segment) => {
    const reader = new ContainerReader();
    const lossesIn = (seq: number, complete = true): number[] =>
      chunksOf(segment, 100, seq)
        .flatMap((chunk) => reader.read({ ...chunk, complete }))
        .flatMap((packet, index) => (packet.kind === "video" && packet.afterLoss ? [index] : []));
    expect(lossesIn(0)).toEqual([]);
    expect(lossesIn(1)).toEqual([]);
    expect(lossesIn(3)).toEqual([0]);
    expect(lossesIn(4, false)).toEqual([]);
    expect(lossesIn(5)).toEqual([0]);
    expect(lossesIn(6)).toEqual([]);
  },
);

test("an input in a known format that is not read is named, with the way out", () => {
  const m2ts = (): Uint8Array => {
    const packets = Array.from({ length: clip.length / 188 }, (_, index) =>
      concat([Uint8Array.of(0, 0, 0, index), clip.subarray(index * 188, (index + 1) * 188)]),
    );
    return concat(packets);
  };
  const formats: readonly (readonly [string, Uint8Array])[] = [
    ["FLV", Uint8Array.from(Buffer.from("FLV\x01\x05\0\0\0\x09\0\0\0\0"))],
    ["M2TS with 192-byte packets", m2ts()],
    ["Ogg", Uint8Array.from(Buffer.from("OggS\0\x02\0\0\0\0"))],
    ["an MPEG program stream", Uint8Array.of(0, 0, 1, 0xba, 0x44, 0, 4, 0)],
  ];
  expect(troublesOf([noise(5000)])[0]).toMatch(/neither MPEG-TS, fragmented MP4 nor Matroska/);
  for (const [name, bytes] of formats) {
    const head = Buffer.from(bytes.subarray(0, 8)).toString("hex").match(/../g)?.join(" ");
    const reason = `the input is ${name} (it begins with ${head}): send MPEG-TS (ffmpeg -f mpegts), Matroska or`;
    // The segments that follow do not begin with the format's mark.
    expect(() => countPackets([bytes, noise(500), noise(500)], 1316)).toThrow(reason);
    // It is reported at once and only once, and the input goes on with what can be read.
    const segments = [bytes, noise(500), noise(500), noise(5000), clip, clip];
    expect(troublesOf(segments)).toEqual([expect.stringContaining(reason), null]);
    expect(countPackets(segments, 1316)).toBe(2 * PICTURES);
  }
});
