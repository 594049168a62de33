/** Finds what a typical frame spends in each stage. */
import { type FrameTimes, STAGES, type Stage } from "./probe-report.ts";

/** The part of the frames that is averaged. */
const MIDDLE = 0.2;

/**
 * The average of the frames whose latency is nearest to the median. So its stages add up to its latency, which medians of
 * stages would not do, and the frames that something held up do not count, as they would in an average of all. A frame that
 * was beside another in a stage may lack a part of it. Not a number without frames.
 */
export function typicalFrame(frames: readonly FrameTimes[]): FrameTimes {
  const byLatency = frames.toSorted((a, b) => a.latencyMs - b.latencyMs);
  const left = Math.floor((byLatency.length * (1 - MIDDLE)) / 2);
  const middle = byLatency.slice(left, byLatency.length - left);
  const average = (read: (frame: FrameTimes) => number): number => {
    const known = middle.map(read).filter((ms) => !Number.isNaN(ms));
    return known.reduce((sum, ms) => sum + ms, 0) / known.length;
  };
  const stageMs: Partial<Record<Stage, number>> = {};
  for (const stage of STAGES) {
    stageMs[stage] = average((frame) => frame.stageMs[stage] ?? Number.NaN);
  }
  return { latencyMs: average(({ latencyMs }) => latencyMs), stageMs };
}
