/** Reads a `moov` box: the tracks that can be read, their edits, and the defaults of their samples. */
import { findBox, int32, int64, readBoxes, uint32, uint64 } from "../../../media/boxes.ts";
import { type Orientation, orientationOf, type PixelAspect } from "../../../media/display.ts";
import { TICKS_PER_SECOND, type Ticks, ticks } from "../../../media/time.ts";
import type { SampleEntry } from "../sample-entry.ts";
import type { UnsupportedTrack } from "../track-troubles.ts";
import { readSampleEntry } from "./entries.ts";
import { readSampleTable } from "./table.ts";
import type { Mp4Track, SampleDefaults, SampleRun } from "./track.ts";

export interface Movie {
  readonly video: Mp4Track | null;
  readonly audio: Mp4Track | null;
  /** Of every track, by its id. */
  readonly defaults: ReadonlyMap<number, SampleDefaults>;
  /** Video and audio tracks that cannot be read. */
  readonly unsupported: readonly UnsupportedTrack[];
  /** The samples are listed here and do not come in fragments. */
  readonly isPlain: boolean;
  /** Samples that come before the first fragment; positions count from the beginning of the file. */
  readonly listed: readonly SampleRun[];
}

/** Sizes in headers are rounded; a shape that differs by less is the same. */
const MAX_ROUNDING = 0.02;

const SAMPLE_TABLE = ["mdia", "minf", "stbl"] as const;
const HANDLERS: Readonly<Record<string, Mp4Track["kind"]>> = { vide: "video", soun: "audio" };

/** The first video and the first audio track that can be read are chosen. */
export function readMovie(moov: Uint8Array): Movie {
  const traks = [...readBoxes(moov)].filter(({ type }) => type === "trak").map(({ body }) => body);
  const mvhd = findBox(moov, "mvhd");
  const movieTimescale = mvhd ? uint32(mvhd, mvhd[0] === 1 ? 20 : 12) : 0;
  const all = traks.flatMap((trak) => {
    const track = readTrack(trak, movieTimescale);
    return track ? [{ trak, track }] : [];
  });
  const tracks = all.map(({ track }) => track);
  const usable = all.filter(({ track }) =>
    track.entries.some(({ kind }) => kind !== "unsupported"),
  );
  const video = usable.find(({ track }) => track.kind === "video");
  const audio = usable.find(({ track }) => track.kind === "audio");
  const mvex = findBox(moov, "mvex");
  return {
    video: video?.track ?? null,
    audio: audio?.track ?? null,
    listed: [video, audio].flatMap((chosen) => {
      const table = chosen && findBox(chosen.trak, ...SAMPLE_TABLE);
      return mvex && table ? readSampleTable(table, chosen.track) : [];
    }),
    defaults: readDefaults(mvex ?? new Uint8Array(0)),
    unsupported: tracks.flatMap(({ kind, entries }) =>
      entries.flatMap((entry) =>
        entry.kind === "unsupported" ? [{ media: kind, codec: entry.codec }] : [],
      ),
    ),
    isPlain: mvex === null && traks.some(listsSamples),
  };
}

function readDefaults(mvex: Uint8Array): Map<number, SampleDefaults> {
  const defaults = new Map<number, SampleDefaults>();
  for (const { type, body } of readBoxes(mvex)) {
    if (type !== "trex") continue;
    const [entry, duration, size, flags] = [8, 12, 16, 20].map((at) => uint32(body, at));
    defaults.set(uint32(body, 4), {
      entry: entry || 1,
      duration: duration ?? 0,
      size: size ?? 0,
      flags: flags ?? 0,
    });
  }
  return defaults;
}

/** True if the sample table is not empty (`stsz` and `stz2` have their count at the same place). */
function listsSamples(trak: Uint8Array): boolean {
  const table = findBox(trak, ...SAMPLE_TABLE) ?? new Uint8Array(0);
  const sizes = findBox(table, "stsz") ?? findBox(table, "stz2");
  return sizes !== null && uint32(sizes, 8) > 0;
}

/** Null for tracks that are neither video nor audio, and for damaged ones. */
function readTrack(trak: Uint8Array, movieTimescale: number): Mp4Track | null {
  const tkhd = findBox(trak, "tkhd");
  const mdhd = findBox(trak, "mdia", "mdhd");
  const hdlr = findBox(trak, "mdia", "hdlr");
  const stsd = findBox(trak, "mdia", "minf", "stbl", "stsd");
  const kind = hdlr && HANDLERS[String.fromCharCode(...hdlr.subarray(8, 12))];
  if (!tkhd || !mdhd || !stsd || !kind) return null;
  const timescale = uint32(mdhd, mdhd[0] === 1 ? 20 : 12);
  if (timescale === 0) return null;
  const elst = findBox(trak, "edts", "elst");
  const entries = [...readBoxes(stsd.subarray(8))].map(({ type, body }) =>
    readSampleEntry(kind, type, body),
  );
  return {
    id: uint32(tkhd, tkhd[0] === 1 ? 20 : 12),
    kind,
    timescale,
    entries,
    shift: elst ? readShift(elst, timescale, movieTimescale) : ticks(0),
    orientation: kind === "video" ? readOrientation(tkhd) : null,
    pixelAspect: readHeaderAspect(tkhd, entries[0]),
  };
}

/** A header's size is the one to be shown (§8.3.2). If its shape differs from the entry's, the pixels are not square. */
function readHeaderAspect(tkhd: Uint8Array, entry: SampleEntry | undefined): PixelAspect | null {
  if (entry?.kind !== "video") return null;
  const from = tkhd[0] === 1 ? 88 : 76;
  const width = uint32(tkhd, from) * entry.height;
  const height = uint32(tkhd, from + 4) * entry.width;
  const isSquare = Math.abs(width - height) < height * MAX_ROUNDING;
  return width > 0 && height > 0 && !isSquare ? { width, height } : null;
}

/** The matrix of a track header. */
function readOrientation(tkhd: Uint8Array): Orientation | null {
  const from = tkhd[0] === 1 ? 52 : 40;
  return orientationOf(Array.from({ length: 9 }, (_, index) => int32(tkhd, from + 4 * index)));
}

/**
 * What an edit list moves a track by (§8.6.6): empty edits in front delay it, and the media time of the
 * first other edit is where it begins. A live stream has no further edits.
 */
function readShift(elst: Uint8Array, timescale: number, movieTimescale: number): Ticks {
  const long = elst[0] === 1;
  const bytes = long ? 20 : 12;
  let delay = 0;
  for (let at = 8; at + bytes <= elst.length; at += bytes) {
    const duration = long ? uint64(elst, at) : uint32(elst, at);
    const mediaTime = long ? int64(elst, at + 8) : int32(elst, at + 4);
    if (mediaTime >= 0) return ticks(delay - scaled(mediaTime, timescale));
    delay += movieTimescale > 0 ? scaled(duration, movieTimescale) : 0;
  }
  return ticks(delay);
}

const scaled = (time: number, timescale: number): number =>
  Math.round((time * TICKS_PER_SECOND) / timescale);
