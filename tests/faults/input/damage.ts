/** Faults that damage bytes: flipped, cut and lost ones, in headers, tables and coded pictures. */
import type { ReadMedia, ReadPacket } from "../../support/clip-reader.ts";
import { type InputFault, inputFault, plainFault } from "./input-fault.ts";
import type { InputContainer } from "./input-feed.ts";

const TS_PACKET = 188;
/** PIDs of the tables that FFmpeg writes: PAT, SDT and the map of its only program. */
const TABLE_PIDS = new Set([0, 0x11, 0x1000]);
/** Bytes of a coded picture that its headers may take. */
const SLICE_HEADER = 48;

export const damage: readonly InputFault[] = [
  plainFault("cut in mid-packet", ({ bytes }) => [
    bytes.subarray(0, Math.floor((bytes.length * 0.6) / TS_PACKET) * TS_PACKET + 77),
  ]),
  plainFault("cut in mid-segment", ({ bytes }) => [
    bytes.subarray(0, Math.floor((bytes.length * 0.4) / TS_PACKET) * TS_PACKET),
  ]),
  inputFault({
    name: "one byte in a hundred flipped",
    prepare: () => {
      const flip = flipper(1);
      return ({ bytes }) => [flip(bytes, 0.01)];
    },
  }),
  inputFault({
    name: "a third of the bytes of all tables flipped",
    prepare: () => {
      const flip = flipper(2);
      return ({ bytes, container }) => [withTables(bytes, container, (part) => flip(part, 0.3))];
    },
  }),
  inputFault({
    name: "tables missing",
    prepare:
      () =>
      ({ bytes, container }) => [withTables(bytes, container, () => new Uint8Array(0))],
  }),
  inputFault({
    name: "bytes of coded pictures flipped",
    prepare: () => {
      const flip = flipper(3);
      return ({ media, mux }) => [
        mux(
          withPictures(media, (packet) => ({
            ...packet,
            data: flip(packet.data, 0.01, SLICE_HEADER),
          })),
        ),
      ];
    },
  }),
  inputFault({
    name: "headers of coded pictures flipped",
    prepare: () => {
      const flip = flipper(4);
      const broken = (data: Uint8Array) =>
        Uint8Array.from([
          ...flip(data.subarray(0, SLICE_HEADER), 0.1, 5),
          ...data.subarray(SLICE_HEADER),
        ]);
      return ({ media, mux }) => [
        mux(withPictures(media, (packet) => ({ ...packet, data: broken(packet.data) }))),
      ];
    },
  }),
  inputFault({
    name: "one transport packet in thirty lost",
    prepare: () => {
      const random = randomNumbers(5);
      return ({ bytes }) => {
        const kept: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += TS_PACKET) {
          if (random() >= 1 / 30) kept.push(bytes.subarray(at, at + TS_PACKET));
        }
        return [Uint8Array.from(Buffer.concat(kept))];
      };
    },
  }),
  plainFault("every fifth picture lost", ({ media, mux }) => {
    const { video } = media;
    const packets = video?.packets.filter((_, index) => index % 5 !== 4) ?? [];
    return [mux({ ...media, video: video && { ...video, packets } })];
  }),
];

const withPictures = (
  { video, audio }: ReadMedia,
  change: (packet: ReadPacket) => ReadPacket,
): ReadMedia => ({ audio, video: video && { ...video, packets: video.packets.map(change) } });

/** The same numbers from 0 to 1 in each run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Returns a copy in which this share of the bytes, from `from` on, has one bit flipped. */
function flipper(seed: number): (bytes: Uint8Array, share: number, from?: number) => Uint8Array {
  const random = randomNumbers(seed);
  return (bytes, share, from = 0) => {
    const flipped = bytes.slice();
    const count = Math.ceil(Math.max(0, bytes.length - from) * share);
    for (let each = 0; each < count; each++) {
      const at = from + Math.floor(random() * (bytes.length - from));
      flipped[at] = (flipped[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    }
    return flipped;
  };
}

/** The segment with its tables changed: PAT and PMT, all boxes before the first fragment, or all elements before the first cluster. */
function withTables(
  bytes: Uint8Array,
  container: InputContainer,
  change: (part: Uint8Array) => Uint8Array,
): Uint8Array {
  if (container !== "mpegts") {
    const mark = container === "fmp4" ? Buffer.from("moof") : Buffer.of(0x1f, 0x43, 0xb6, 0x75);
    const found = Buffer.from(bytes).indexOf(mark);
    const end = container === "fmp4" ? found - 4 : found;
    return Uint8Array.from(Buffer.concat([change(bytes.subarray(0, end)), bytes.subarray(end)]));
  }
  const packets: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += TS_PACKET) {
    const packet = bytes.subarray(at, at + TS_PACKET);
    const pid = (((packet[1] ?? 0) & 0x1f) << 8) | (packet[2] ?? 0);
    packets.push(TABLE_PIDS.has(pid) ? change(packet) : packet);
  }
  return Uint8Array.from(Buffer.concat(packets));
}
