/** Packs encoded pictures into a transport stream with the PES packets that a test asks for. */
import { findStartCode } from "../../src/media/annex-b.ts";
import type { VideoPacket } from "../../src/media/encoded-packet.ts";
import { concat, H264, pes, tables, tsPackets } from "./ts-builder.ts";

/** The payload of one PES; null for `stamp` omits the timestamps. */
export interface PesPart {
  readonly data: Uint8Array;
  readonly stamp: { readonly pts: number; readonly dts?: number } | null;
}

const HEVC = { ...H264, type: 0x24 };

/** A transport stream of tables and these PES packets. */
export function transportStream(codec: "h264" | "hevc", parts: readonly PesPart[]): Uint8Array {
  const packets = parts.flatMap(({ data, stamp }) => {
    const bytes = pes(data, stamp ?? { pts: 0 });
    if (!stamp) bytes[7] = 0; // the five bytes of the timestamp become stuffing
    return tsPackets(bytes);
  });
  return concat([...tables([codec === "h264" ? H264 : HEVC]), ...packets]);
}

/** The NAL units of an access unit, each with its start code. */
function nalsOf({ data }: VideoPacket): Uint8Array[] {
  const nals: Uint8Array[] = [];
  let start = 0;
  for (let code = findStartCode(data, 3); code >= 0; code = findStartCode(data, code + 3)) {
    const begin = data[code - 1] === 0 ? code - 1 : code;
    nals.push(data.subarray(start, begin));
    start = begin;
  }
  return [...nals, data.subarray(start)];
}

/** Whether a NAL unit is a slice. */
function isSlice(codec: VideoPacket["codec"], nal: Uint8Array): boolean {
  const header = nal[findStartCode(nal, 0) + 3] ?? 0;
  if (codec === "hevc") return header >> 1 <= 31;
  return (header & 0x1f) >= 1 && (header & 0x1f) <= 5;
}

const stampOf = ({ pts, dts }: VideoPacket): { pts: number; dts?: number } =>
  pts === dts ? { pts: pts + 90_000 } : { pts: pts + 90_000, dts: dts + 90_000 };

/** Spreads pictures over PES packets. */
export type Packing = (packets: readonly VideoPacket[]) => PesPart[];

const onePes: Packing = (packets) =>
  packets.map((packet) => ({ data: packet.data, stamp: stampOf(packet) }));

/** The first PES holds what comes before the first slice, and that slice. */
const oneSlice: Packing = (packets) =>
  packets.flatMap((packet) => {
    const groups: Uint8Array[][] = [[]];
    for (const nal of nalsOf(packet)) {
      const group = groups.at(-1) ?? [];
      if (group.some((each) => isSlice(packet.codec, each))) groups.push([nal]);
      else group.push(nal);
    }
    return groups.map((group) => ({ data: Buffer.concat(group), stamp: stampOf(packet) }));
  });

const oneNal: Packing = (packets) =>
  packets.flatMap((packet) =>
    nalsOf(packet).map((data, index) => ({ data, stamp: index === 0 ? stampOf(packet) : null })),
  );

const fixedSize =
  (bytes: number): Packing =>
  (packets) => {
    const stream = Buffer.concat(packets.map(({ data }) => data));
    const starts = new Map<number, VideoPacket>();
    let start = 0;
    for (const packet of packets) {
      starts.set(start, packet);
      start += packet.data.length;
    }
    const parts: PesPart[] = [];
    for (let at = 0; at < stream.length; at += bytes) {
      const [, first] = [...starts].find(([begin]) => begin >= at && begin < at + bytes) ?? [];
      parts.push({ data: stream.subarray(at, at + bytes), stamp: first ? stampOf(first) : null });
    }
    return parts;
  };

const grouped =
  (count: number): Packing =>
  (packets) =>
    packets
      .filter((_, index) => index % count === 0)
      .map((packet, index) => ({
        data: Buffer.concat(
          packets.slice(index * count, index * count + count).map(({ data }) => data),
        ),
        stamp: stampOf(packet),
      }));

const stampedOn =
  (isStamped: (packet: VideoPacket, index: number) => boolean): Packing =>
  (packets) =>
    packets.map((packet, index) => ({
      data: packet.data,
      stamp: isStamped(packet, index) ? stampOf(packet) : null,
    }));

const ptsOnly: Packing = (packets) =>
  packets.map((packet) => ({ data: packet.data, stamp: { pts: packet.pts + 90_000 } }));

/** The ways in which senders spread pictures over PES packets, and stamp them. */
export const PACKINGS = {
  "a PES a picture": onePes,
  "a PES a slice": oneSlice,
  "a PES a NAL unit": oneNal,
  "PES of 4 KB": fixedSize(4096),
  "PES of 500 bytes": fixedSize(500),
  "two pictures a PES": grouped(2),
  "three pictures a PES": grouped(3),
  "a timestamp on every second picture": stampedOn((_, index) => index % 2 === 0),
  "a timestamp on every third picture": stampedOn((_, index) => index % 3 === 0),
  "a timestamp on key frames": stampedOn(({ keyFrame }) => keyFrame),
  "presentation timestamps only": ptsOnly,
} satisfies Record<string, Packing>;
