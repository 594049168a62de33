/** Records where a stream is at the start of each segment, and how a replacement engine continues from there. */
import type { Fragment } from "../../media/fragment.ts";
import { TICKS_PER_SECOND, ticks } from "../../media/time.ts";
import type { Pipeline, PipelineOptions } from "../pipeline.ts";
import type { Checkpoint, ResumePoint } from "../protocol/work.ts";

/** What the pipeline of a replacement begins with. */
export type ResumedState = Pick<PipelineOptions, "after" | "settledAudio" | "continuity">;

/** Of the segment with this number, which begins with `start`. */
export function checkpointAt(
  seq: number,
  { pts, width, height }: Fragment,
  pipeline: Pick<Pipeline, "continuity" | "settledAudio"> | undefined,
): Checkpoint {
  const ts = pipeline?.continuity;
  const audio = pipeline?.settledAudio;
  return {
    seq,
    pts,
    size: { width, height },
    ...(audio !== undefined && { audio }),
    ...(ts && { ts }),
  };
}

/** `resume` is undefined for a new stream; its age is that at `orderedAt` (`performance.now()`). */
export function resumedFrom(resume: ResumePoint | undefined, orderedAt: number): ResumedState {
  if (resume === undefined) return { after: null };
  const { pts, age_ms, audio, ts } = resume;
  // Everything up to here may have been sent by the engine that died: as much media as time has passed.
  const passedMs = age_ms + (performance.now() - orderedAt);
  return {
    after: ticks(pts + Math.round((passedMs * TICKS_PER_SECOND) / 1000)),
    ...(audio !== undefined && { settledAudio: audio }),
    ...(ts && { continuity: ts }),
  };
}
