/** Reads a pipeline's output with FFmpeg and with a box reader. */
import { expect } from "bun:test";
import type { ClipRun } from "./clip-pipeline.ts";
import { decodeMedia, type ReadFrame } from "./clip-reader.ts";
import { type Mp4Fragment, readMp4 } from "./mp4-boxes.ts";

/** Every segment, decoded alone by FFmpeg. */
export async function decodeAlone(
  run: ClipRun,
): Promise<{ video: ReadFrame[]; audio: ReadFrame[] }> {
  const video: ReadFrame[] = [];
  const audio: ReadFrame[] = [];
  for (const segment of run.segments) {
    const media = await decodeMedia(segment);
    expect(media.video?.packets[0]?.keyFrame).toBe(true);
    expect(media.video?.frames.some(({ corrupt }) => corrupt)).toBe(false);
    video.push(...(media.video?.frames ?? []));
    audio.push(...(media.audio?.frames ?? []));
  }
  return { video, audio };
}

/** All fragments in order. */
export const fragmentsOf = (run: ClipRun): Mp4Fragment[] =>
  run.segments.flatMap((segment) => readMp4(segment).fragments);

/** The largest gap or overlap between consecutive samples of a track, in its timescale. */
export function worstGap(fragments: Mp4Fragment[], track: number): number {
  let worst = 0;
  let end: number | null = null;
  for (const { dts, duration } of fragments
    .filter((fragment) => fragment.track === track)
    .flatMap((fragment) => fragment.samples)) {
    if (end !== null) worst = Math.max(worst, Math.abs(dts - end));
    end = dts + duration;
  }
  return worst;
}
