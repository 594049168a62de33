/** Packs encoded pictures into a transport stream, spread over PES packets as a test wants them. */
import { findStartCode } from "../../src/media/annex-b.ts";
import type { VideoPacket } from "../../src/media/encoded-packet.ts";
import { concat, H264, pes, tables, tsPackets } from "./ts-builder.ts";

/** The payload of one PES; `stamp` null leaves the timestamps out. */
export interface PesPart {
  readonly data: Uint8Array;
  readonly stamp: { readonly pts: number; readonly dts?: number } | null;
}

const HEVC = { ...H264, type: 0x24 };

/** A transport stream of these PES packets, its tables in front. */
export function transportStream(codec: "h264" | "hevc", parts: readonly PesPart[]): Uint8Array {
  const packets = parts.flatMap(({ data, stamp }) => {
    const bytes = pes(data, stamp ?? { pts: 0 });
    if (!stamp) bytes[7] = 0; // the five bytes of the timestamp become stuffing
    return tsPackets(bytes);
  });
  return concat([...tables([codec === "h264" ? H264 : HEVC]), ...packets]);
}

/** The NAL units of an access unit, each with its start code. */
export function nalsOf({ data }: VideoPacket): Uint8Array[] {
  const nals: Uint8Array[] = [];
  let start = 0;
  for (let code = findStartCode(data, 3); code >= 0; code = findStartCode(data, code + 3)) {
    const begin = data[code - 1] === 0 ? code - 1 : code;
    nals.push(data.subarray(start, begin));
    start = begin;
  }
  return [...nals, data.subarray(start)];
}

/** Tells slices from what comes before and behind them. */
export function isSlice(codec: VideoPacket["codec"], nal: Uint8Array): boolean {
  const header = nal[findStartCode(nal, 0) + 3] ?? 0;
  if (codec === "hevc") return header >> 1 <= 31;
  return (header & 0x1f) >= 1 && (header & 0x1f) <= 5;
}

export const stampOf = ({ pts, dts }: VideoPacket): { pts: number; dts?: number } =>
  pts === dts ? { pts: pts + 90_000 } : { pts: pts + 90_000, dts: dts + 90_000 };
