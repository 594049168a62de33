/** What a `traf` says of its samples (ISO/IEC 14496-12 §8.8). */
import { type SampleDefaults, uint32, words } from "./mp4-tracks.ts";

const NON_SYNC = 0x10000;

/** Flags of `tfhd` and `trun` that say which members are there (ISO/IEC 14496-12 §8.8.7, §8.8.8). */
const TFHD = { base: 0x1, description: 0x2, duration: 0x8, size: 0x10, flags: 0x20 } as const;
const TRUN = {
  offset: 0x1,
  first: 0x4,
  duration: 0x100,
  size: 0x200,
  flags: 0x400,
  cts: 0x800,
} as const;

/** Where samples begin, if the header says it, and what they are where a run does not say. */
export function readTfhd(tfhd: Uint8Array, known: SampleDefaults | undefined) {
  const flags = uint32(tfhd, 0) & 0xffffff;
  let at = 8;
  const take = (present: number): number | null => {
    if (!(flags & present)) return null;
    at += 4;
    return uint32(tfhd, at - 4);
  };
  const high = take(TFHD.base);
  const base = high === null ? null : high * 2 ** 32 + uint32(tfhd, at);
  if (base !== null) at += 4;
  take(TFHD.description);
  return {
    base,
    duration: take(TFHD.duration) ?? known?.duration ?? 0,
    size: take(TFHD.size) ?? known?.size ?? 0,
    flags: take(TFHD.flags) ?? known?.flags ?? 0,
  };
}

/** A run's samples; `offset` is where the first one lies, null where it follows the run before. */
export function readTrun(trun: Uint8Array, defaults: SampleDefaults) {
  const version = trun[0] ?? 0;
  const flags = uint32(trun, 0) & 0xffffff;
  const values = words(trun, 8);
  let next = 0;
  const take = (present: number): number | null => (flags & present ? (values[next++] ?? 0) : null);
  const offset = take(TRUN.offset);
  const firstFlags = take(TRUN.first);
  // A count that the box cannot hold is damage: no more than there are words for.
  const wanted = uint32(trun, 4);
  const each = [TRUN.duration, TRUN.size, TRUN.flags, TRUN.cts].filter(
    (flag) => flags & flag,
  ).length;
  const count =
    each > 0 ? Math.min(wanted, Math.floor((values.length - next) / each)) : Math.min(wanted, 1);
  const samples = Array.from({ length: count }, (_, index) => {
    const duration = take(TRUN.duration) ?? defaults.duration;
    const size = take(TRUN.size) ?? defaults.size;
    const own = take(TRUN.flags) ?? (index === 0 ? firstFlags : null) ?? defaults.flags;
    const cts = take(TRUN.cts) ?? 0;
    return { duration, size, sync: (own & NON_SYNC) === 0, cts: version === 1 ? cts | 0 : cts };
  });
  return { offset: offset === null ? null : offset | 0, samples };
}

/** The decode time of a fragment's first sample, in the track's timescale. */
export const decodeTime = (tfdt: Uint8Array): number =>
  tfdt[0] === 1 ? uint32(tfdt, 4) * 2 ** 32 + uint32(tfdt, 8) : uint32(tfdt, 4);
