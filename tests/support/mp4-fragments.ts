/** Builds fragments of single tracks, demuxes them, and picks values from the packets. */
import { Mp4Demuxer } from "../../src/engine/source/mp4/demux.ts";
import type { AudioPacket, EncodedPacket } from "../../src/media/encoded-packet.ts";
import { avc1, mdat, moof, mp4a, opusEntry, type TrackOptions, type Traf } from "./mp4-builder.ts";
import { concat } from "./ts-builder.ts";

/** Tracks of one kind each. */
export const VIDEO: TrackOptions = { id: 1, kind: "vide", timescale: 90_000, entries: [avc1()] };
export const OPUS: TrackOptions = {
  id: 2,
  kind: "soun",
  timescale: 48_000,
  entries: [opusEntry()],
};
export const AAC: TrackOptions = { id: 3, kind: "soun", timescale: 48_000, entries: [mp4a()] };
/** Sample flag of a frame that is not a key frame. */
export const NON_SYNC = 0x10000;

/** `count` bodies of `size` bytes, each filled with its number. */
export const bodies = (count: number, size: number): Uint8Array =>
  concat(Array.from({ length: count }, (_, index) => new Uint8Array(size).fill(index + 1)));

/** Demuxes these parts as one segment. */
export function read(parts: readonly Uint8Array[], demuxer = new Mp4Demuxer()): EncodedPacket[] {
  const bytes = concat(parts);
  return [...demuxer.push(bytes, 0), ...demuxer.endSegment(0)];
}

/** The audio packets. */
export const audioOf = (packets: readonly EncodedPacket[]): AudioPacket[] =>
  packets.filter((packet) => packet.kind === "audio");
/** The video packets. */
export const videoOf = (packets: readonly EncodedPacket[]) =>
  packets.filter((packet) => packet.kind === "video");
/** Presentation times in 90 kHz ticks. */
export const times = (packets: readonly EncodedPacket[]): number[] =>
  packets.map(({ pts }) => Number(pts));
/** The last byte of each packet. */
export const marks = (packets: readonly EncodedPacket[]): (number | undefined)[] =>
  packets.map(({ data }) => data[data.length - 1]);

/** One fragment of `track`, its data right behind it. */
export function fragment(track: Omit<Traf, "id">, data: Uint8Array, id = 2): Uint8Array[] {
  const head = moof((size) => [
    {
      id,
      baseIsMoof: true,
      ...track,
      runs: track.runs.map((run) => ({ offset: size + 8, ...run })),
    },
  ]);
  return [head, mdat(data)];
}
