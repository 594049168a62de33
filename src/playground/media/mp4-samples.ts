/** Reads the samples of one track out of a fragment of MP4 (ISO/IEC 14496-12 §8.8). */
import {
  boxHead,
  children,
  find,
  type Mp4Track,
  type SampleDefaults,
  startOf,
  uint32,
} from "./mp4-boxes.ts";

export interface TrackSample {
  readonly data: Uint8Array<ArrayBuffer>;
  /** Presentation time in microseconds. */
  readonly time: number;
  readonly isKey: boolean;
}

/** In a sample's flags: it cannot be decoded alone. */
const NON_SYNC = 0x10000;

/**
 * The samples of a `moof` with its `mdat`, up to the first that is damaged. Offsets count from the `moof`, as Media Source
 * Extensions demand it too.
 */
export function samplesOf(
  fragment: Uint8Array<ArrayBuffer>,
  track: Pick<Mp4Track, "id" | "timescale" | "defaults">,
): TrackSample[] {
  const moof = fragment.subarray(8, boxHead(fragment)?.size);
  for (const traf of children(moof, "traf")) {
    const start = startOf(traf);
    if (start?.id === track.id) return samplesOfRuns(fragment, traf, start.decodeTime, track);
  }
  return [];
}

function samplesOfRuns(
  fragment: Uint8Array<ArrayBuffer>,
  traf: Uint8Array,
  start: number,
  { timescale, defaults: ofTrack }: Pick<Mp4Track, "timescale" | "defaults">,
): TrackSample[] {
  const defaults = defaultsOf(traf, ofTrack);
  const samples: TrackSample[] = [];
  let decodeTime = start;
  let at = 0;
  for (const trun of children(traf, "trun")) {
    const run = new Fields(trun);
    const count = run.next();
    at = run.has(0x1) ? run.next() : at;
    const firstFlags = run.has(0x4) ? run.next() : null;
    for (let index = 0; index < count; index++) {
      const duration = run.has(0x100) ? run.next() : defaults.duration;
      const size = run.has(0x200) ? run.next() : defaults.size;
      const own = run.has(0x400) ? run.next() : defaults.flags;
      const offset = run.has(0x800) ? run.next() | 0 : 0;
      const flags = index === 0 && firstFlags !== null ? firstFlags : own;
      if (size === 0 || at + size > fragment.length) return samples;
      samples.push({
        data: fragment.subarray(at, at + size),
        time: Math.round(((decodeTime + offset) * 1e6) / timescale),
        isKey: (flags & NON_SYNC) === 0,
      });
      at += size;
      decodeTime += duration;
    }
  }
  return samples;
}

/** The fields of a full box behind its version and flags, which say which of them there are. */
class Fields {
  readonly #body: Uint8Array;
  readonly #flags: number;
  #at = 4;

  constructor(body: Uint8Array) {
    this.#body = body;
    this.#flags = uint32(body, 0) & 0xffffff;
  }

  has(flag: number): boolean {
    return (this.#flags & flag) !== 0;
  }

  next(): number {
    this.#at += 4;
    return uint32(this.#body, this.#at - 4);
  }
}

function defaultsOf(traf: Uint8Array, ofTrack: SampleDefaults): SampleDefaults {
  const fields = new Fields(find(traf, "tfhd") ?? new Uint8Array());
  fields.next(); // the track
  if (fields.has(0x2)) fields.next(); // the sample description
  return {
    duration: fields.has(0x8) ? fields.next() : ofTrack.duration,
    size: fields.has(0x10) ? fields.next() : ofTrack.size,
    flags: fields.has(0x20) ? fields.next() : ofTrack.flags,
  };
}
