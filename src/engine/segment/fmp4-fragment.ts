/** Writes one `moof` box and its `mdat` through mp4box's `createMoof`, which retains no samples (facts.md 5). */
import { DataStream, type ISOFile, type Sample } from "mp4box";

/** One sample of a fragment; times are in the track's timescale. */
export interface FragmentSample {
  readonly data: Uint8Array;
  readonly dts: number;
  /** Presentation time: `dts` or later. */
  readonly pts: number;
  readonly duration: number;
  readonly sync: boolean;
}

const MDAT_HEADER_BYTES = 8;
/** More than the boxes of a few samples take; it grows for more. */
const HEAD_BYTES = 1024;

/** The bytes of one fragment of one track. The first sample's `dts` becomes the fragment's tfdt. */
export function fragment(
  file: ISOFile,
  track: number,
  samples: readonly FragmentSample[],
): Uint8Array {
  const description = file.getTrackById(track).mdia.minf.stbl.stsd.entries[0];
  if (!description) throw new Error(`track ${track} has no sample entry`);
  const moof = file.createMoof(
    samples.map(
      ({ data, dts, pts, duration, sync }, number): Sample => ({
        number,
        track_id: track,
        timescale: file.getTrackById(track).mdia.mdhd.timescale,
        description_index: 0,
        description,
        size: data.length,
        duration,
        dts,
        cts: pts,
        is_sync: sync,
        is_leading: 0,
        depends_on: sync ? 2 : 1,
        is_depended_on: 0,
        has_redundancy: 0,
        degradation_priority: 0,
        offset: 0,
      }),
    ),
  );
  const head = new DataStream(HEAD_BYTES);
  moof.write(head);
  const run = moof.trafs[0]?.truns[0];
  if (!run) throw new Error("mp4box made a moof without a run");
  // The size is known now; computeSize() beforehand would write the boxes twice.
  const boxes = head.buffer;
  new DataView(boxes).setInt32(run.data_offset_position, moof.size + MDAT_HEADER_BYTES);

  const payload = samples.reduce((sum, sample) => sum + sample.data.length, 0);
  const bytes = new Uint8Array(moof.size + MDAT_HEADER_BYTES + payload);
  bytes.set(new Uint8Array(boxes, 0, moof.size));
  new DataView(bytes.buffer).setUint32(moof.size, MDAT_HEADER_BYTES + payload);
  bytes.set([0x6d, 0x64, 0x61, 0x74], moof.size + 4); // "mdat"
  let at = moof.size + MDAT_HEADER_BYTES;
  for (const sample of samples) {
    bytes.set(sample.data, at);
    at += sample.data.length;
  }
  return bytes;
}
