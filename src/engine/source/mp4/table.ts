/** Reads the sample table of an MP4 track: what ffmpeg puts the first fragment into (ISO/IEC 14496-12 §8.6, §8.7). */
import { findBox, int32, uint32, uint64 } from "../../../media/boxes.ts";
import type { Mp4Track, SampleRun } from "./track.ts";

/** Samples that a table may claim in few bytes, where all have one size: seconds of audio. */
const MAX_EQUAL_SAMPLES = 1000;
const NOTHING = new Uint8Array(0);

/** The samples that a track's `stbl` box lists; positions count from the beginning of the file. */
export function readSampleTable(stbl: Uint8Array, track: Mp4Track): SampleRun[] {
  const sizes = readSizes(findBox(stbl, "stsz") ?? NOTHING);
  const durations = expand(findBox(stbl, "stts") ?? NOTHING, sizes.length);
  const offsets = expand(findBox(stbl, "ctts") ?? NOTHING, sizes.length);
  const stss = findBox(stbl, "stss");
  const syncs = stss && new Set(entries(stss, 4).map((at) => uint32(stss, at)));
  const runs: SampleRun[] = [];
  let number = 0;
  let dts = 0;
  for (const { position: start, count, entry } of readChunks(stbl)) {
    let position = start;
    for (let left = count; left > 0 && number < sizes.length; left--, number++) {
      const size = sizes[number] ?? 0;
      const duration = durations[number] ?? 0;
      const offset = offsets[number] ?? 0;
      const sync = syncs?.has(number + 1) ?? true;
      if (size > 0)
        runs.push({ track, entry, position, size, count: 1, dts, duration, offset, sync });
      position += size;
      dts += duration;
    }
  }
  return runs;
}

/** Positions of a full box's entries of `bytes` each, behind their count, as far as they are there. */
function entries(box: Uint8Array, bytes: number, from = 8): number[] {
  const held = Math.floor(Math.max(0, box.length - from) / bytes);
  const count = Math.min(uint32(box, from - 4), held);
  return Array.from({ length: count }, (_, index) => from + index * bytes);
}

/** `stsz`: one size for all samples, or a size for each. */
function readSizes(stsz: Uint8Array): number[] {
  const size = uint32(stsz, 4);
  if (size > 0) return Array<number>(Math.min(uint32(stsz, 8), MAX_EQUAL_SAMPLES)).fill(size);
  return entries(stsz, 4, 12).map((at) => uint32(stsz, at));
}

/** `stts` and `ctts`: pairs of a count and a value for that many samples. */
function expand(box: Uint8Array, samples: number): number[] {
  const values: number[] = [];
  for (const at of entries(box, 8)) {
    const count = Math.min(uint32(box, at), samples - values.length);
    for (let sample = 0; sample < count; sample++) values.push(int32(box, at + 4));
  }
  return values;
}

/** `stco` or `co64` with `stsc`, which says from which chunk on there are how many samples in each. */
function* readChunks(stbl: Uint8Array) {
  const stsc = findBox(stbl, "stsc") ?? NOTHING;
  const steps = entries(stsc, 12).map((at) => ({
    chunk: uint32(stsc, at),
    count: uint32(stsc, at + 4),
    entry: uint32(stsc, at + 8),
  }));
  const stco = findBox(stbl, "stco");
  const co64 = findBox(stbl, "co64") ?? NOTHING;
  const positions = stco
    ? entries(stco, 4).map((at) => uint32(stco, at))
    : entries(co64, 8).map((at) => uint64(co64, at));
  let step = 0;
  for (const [index, position] of positions.entries()) {
    while ((steps[step + 1]?.chunk ?? Number.POSITIVE_INFINITY) <= index + 1) step++;
    const { count = 0, entry = 1 } = steps[step] ?? {};
    yield { position, count, entry };
  }
}
