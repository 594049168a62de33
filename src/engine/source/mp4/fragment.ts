/** Reads a `moof` box: which bytes are which samples (ISO/IEC 14496-12 §8.8). */
import { findBox, int32, readBoxes, uint32, uint64 } from "../../../media/boxes.ts";
import type { Mp4Track, SampleDefaults, SampleRun } from "./track.ts";

/** What the reader of a fragment must know from elsewhere. */
export interface FragmentContext {
  /** Position of the `moof` box. */
  readonly position: number;
  readonly tracks: readonly Mp4Track[];
  readonly defaults: ReadonlyMap<number, SampleDefaults>;
  /** Where the file begins that an absolute offset counts from. */
  readonly resolve: (baseDataOffset: number) => number;
  /** Where a track's last fragment ended, for fragments without a decode time. Updated. */
  readonly ends: Map<number, number>;
}

const NON_SYNC = 0x10000;
const NO_DEFAULTS: SampleDefaults = { entry: 1, duration: 0, size: 0, flags: 0 };

/** Flags of `tfhd` and `trun` that say which fields are there (§8.8.7, §8.8.8). */
const TFHD = {
  base: 0x1,
  entry: 0x2,
  duration: 0x8,
  size: 0x10,
  flags: 0x20,
  baseIsMoof: 0x20000,
} as const;
const TRUN = {
  offset: 0x1,
  first: 0x4,
  duration: 0x100,
  size: 0x200,
  flags: 0x400,
  cts: 0x800,
} as const;

/** Thrown for a fragment whose data cannot be what it says. */
export class DamagedFragment extends Error {}

/** The runs of the known tracks in order. */
export function readFragment(moof: Uint8Array, context: FragmentContext): SampleRun[] {
  const runs: SampleRun[] = [];
  /** The end of the data of the track fragment before, which the next one may begin at. */
  let dataEnd: number | null = null;
  for (const { type, body: traf } of readBoxes(moof)) {
    if (type !== "traf") continue;
    const tfhd = findBox(traf, "tfhd");
    if (!tfhd) continue;
    const id = uint32(tfhd, 4);
    const track = context.tracks.find((known) => known.id === id);
    const header = readTfhd(tfhd, context.defaults.get(id) ?? NO_DEFAULTS);
    const base: number =
      header.base !== null
        ? context.resolve(header.base)
        : header.baseIsMoof || dataEnd === null
          ? context.position
          : dataEnd;
    const tfdt = findBox(traf, "tfdt");
    let dts = tfdt ? readTfdt(tfdt) : (context.ends.get(id) ?? 0);
    let position = base;
    for (const { type, body: trun } of readBoxes(traf)) {
      if (type !== "trun") continue;
      const run = readTrunHeader(trun);
      if (run.offset !== null) position = base + run.offset;
      for (const samples of readRun(trun, run, header)) {
        const { entry } = header;
        const duration = samples.duration || (track ? frameDuration(track, entry) : 0);
        if (track && samples.size > 0) {
          runs.push({ ...samples, track, entry, position, dts, duration });
        }
        position += samples.count * samples.size;
        dts += samples.count * duration;
      }
    }
    dataEnd = position;
    if (track) context.ends.set(id, dts);
  }
  return runs;
}

/** Audio frames have lengths of their own, if the fragment gives none. */
function frameDuration({ timescale, entries }: Mp4Track, number: number): number {
  const entry = entries[number - 1];
  if (entry?.kind !== "audio") return 0;
  return Math.round((entry.frameSamples * timescale) / entry.format.sampleRate);
}

interface TrackFragment extends SampleDefaults {
  /** Absolute, from the beginning of the file. */
  readonly base: number | null;
  readonly baseIsMoof: boolean;
}

function readTfhd(tfhd: Uint8Array, defaults: SampleDefaults): TrackFragment {
  const flags = uint32(tfhd, 0) & 0xffffff;
  let at = 8;
  const base = flags & TFHD.base ? uint64(tfhd, at) : null;
  if (base !== null) at += 8;
  const take = (present: number): number | null => {
    if (!(flags & present)) return null;
    at += 4;
    return uint32(tfhd, at - 4);
  };
  return {
    base,
    baseIsMoof: (flags & TFHD.baseIsMoof) !== 0,
    entry: take(TFHD.entry) || defaults.entry,
    duration: take(TFHD.duration) ?? defaults.duration,
    size: take(TFHD.size) ?? defaults.size,
    flags: take(TFHD.flags) ?? defaults.flags,
  };
}

interface RunHeader {
  readonly flags: number;
  readonly count: number;
  /** Of the first sample from the base; null if it follows the run before. */
  readonly offset: number | null;
  readonly firstFlags: number | null;
  /** Where the fields of the samples begin. */
  readonly fields: number;
}

/** A count that the box cannot hold is cut to what it holds. */
function readTrunHeader(trun: Uint8Array): RunHeader {
  const flags = uint32(trun, 0) & 0xffffff;
  let fields = 8;
  const take = (present: number): number | null => {
    if (!(flags & present)) return null;
    fields += 4;
    return int32(trun, fields - 4);
  };
  const offset = take(TRUN.offset);
  const firstFlags = take(TRUN.first);
  const declared = uint32(trun, 4);
  const bytes = 4 * SAMPLE_FIELDS.filter((field) => flags & field).length;
  const held = bytes > 0 ? Math.floor(Math.max(0, trun.length - fields) / bytes) : declared;
  return { flags, count: Math.min(declared, held), offset, firstFlags, fields };
}

const SAMPLE_FIELDS = [TRUN.duration, TRUN.size, TRUN.flags, TRUN.cts];

/** Equal samples of a run together; those with fields of their own one by one. */
function* readRun(trun: Uint8Array, run: RunHeader, defaults: SampleDefaults) {
  const { flags, count, firstFlags } = run;
  let at = run.fields;
  const take = (present: number): number | null => {
    if (!(flags & present)) return null;
    at += 4;
    return uint32(trun, at - 4);
  };
  const equal = !SAMPLE_FIELDS.some((field) => flags & field);
  for (let index = 0; index < count; ) {
    const duration = take(TRUN.duration) ?? defaults.duration;
    const size = take(TRUN.size) ?? defaults.size;
    const own = take(TRUN.flags);
    const sampleFlags = (index === 0 ? firstFlags : null) ?? own ?? defaults.flags;
    // Signed in version 1; version 0 with negative offsets is common, and none is above 2^31.
    const offset = (take(TRUN.cts) ?? 0) | 0;
    const alike = equal && (index > 0 || firstFlags === null) ? count - index : 1;
    yield { duration, size, offset, sync: (sampleFlags & NON_SYNC) === 0, count: alike };
    index += alike;
  }
}

/** The decode time of a track fragment's first sample. */
const readTfdt = (tfdt: Uint8Array): number => (tfdt[0] === 1 ? uint64(tfdt, 4) : uint32(tfdt, 4));
