/** Cuts clips into segments as a gateway sends them: MPEG-TS that starts at key frames. */
import type { ReadMedia, ReadTrack } from "./clip-reader.ts";
import { type MuxTrack, TsMuxer } from "./ts-muxer.ts";

export interface Clip {
  readonly segments: readonly Uint8Array[];
  /** The packets that FFmpeg found in the file. */
  readonly media: ReadMedia;
}

export interface SegmentOptions {
  /** Minimum length; the next key frame starts a new segment. */
  readonly seconds?: number;
  /** Use a new muxer for each segment, so that continuity counters restart (protocol.md 6.1). */
  readonly restartCounters?: boolean;
  /** The mpegts muxer's own options. */
  readonly muxer?: Readonly<Record<string, string>>;
  /** Omit the sound. */
  readonly mute?: boolean;
}

/** Muxes packets into MPEG-TS segments, audio and video interleaved by dts. */
export function tsSegments(media: ReadMedia, options: SegmentOptions = {}): Uint8Array[] {
  const tracks = [media.video, options.mute ? null : media.audio].filter((track) => track !== null);
  const packets = tracks
    .flatMap((track, index) => track.packets.map((packet) => ({ packet, index, kind: track.kind })))
    .sort((a, b) => a.packet.dts - b.packet.dts);
  const open = (): TsMuxer => new TsMuxer(tracks.map(muxTrack), options.muxer);
  const shortest = (options.seconds ?? 1) * 90_000;
  const segments: Uint8Array[] = [];
  let muxer = open();
  let start: number | null = null;
  for (const { packet, index, kind } of packets) {
    if (kind === "video" && packet.keyFrame) {
      if (start !== null && packet.dts - start >= shortest) {
        segments.push(muxer.cut());
        if (options.restartCounters) {
          muxer[Symbol.dispose]();
          muxer = open();
        }
        start = packet.dts;
      }
      start ??= packet.dts;
    }
    muxer.write(index, packet);
  }
  segments.push(muxer.cut());
  muxer[Symbol.dispose]();
  return segments;
}

function muxTrack(track: ReadTrack): MuxTrack {
  const { extradata, sampleRate, channels, frameSize } = track;
  if (track.kind === "video") return { kind: "video", extradata };
  const codec = track.codecName.includes("aac") ? "aac" : "opus";
  return { kind: "audio", codec, sampleRate, channels, frameSize, extradata };
}
