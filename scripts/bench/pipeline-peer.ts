/** Rows of the pipeline benchmark beside pytrickle: the same clip as fast as it goes, over the trickle server. */
import { startProduct } from "./product-server.ts";
import type { Measurement } from "./report.ts";
import { playInTurn, rowOfBoth, type SidesOptions } from "./side-by-side.ts";
import { WINDOW_FRAMES } from "./unpaced-publisher.ts";
import { rateOf } from "./worker-figures.ts";
import type { WorkerRun } from "./worker-run.ts";

/** Frames wait as long as they must, so that none is dropped: pytrickle's queues have no bound either. */
const PATIENT = ["--frame-queue", `${WINDOW_FRAMES}`, "--max-frame-age-ms", "600000"];

export async function pipelineBesidePytrickle(
  size: string,
  options: Pick<SidesOptions, "clip" | "rounds" | "log">,
): Promise<Measurement[]> {
  await using server = await startProduct(PATIENT);
  const sides = await playInTurn({ ...options, server, pace: "unpaced" });
  const rate = (run: WorkerRun) => rateOf(run, WINDOW_FRAMES);
  const name = `${size} over trickle`;
  return [
    rowOfBoth(sides, {
      case: `${name}: wall`,
      unit: "frames/s",
      of: (run) => rate(run).fps,
      aim: { on: "ratio", sign: "≥", bound: 3 },
      note: `MPEG-TS, at most ${WINDOW_FRAMES} frames under way`,
    }),
    rowOfBoth(sides, {
      case: `${name}: frames lost`,
      unit: "frames",
      of: (run) => rate(run).lost,
      note: `of ${options.clip.ends.length - 2 * WINDOW_FRAMES} in a run`,
    }),
    rowOfBoth(sides, {
      case: `${name}: CPU of the process with the frames`,
      unit: "CPU s/frame",
      of: ({ cpu, sent }) => cpu.media / sent.length,
    }),
    rowOfBoth(sides, {
      case: `${name}: output`,
      unit: "bytes/frame",
      of: ({ frameBytes }) => frameBytes,
      note: "of like size where both encode alike",
    }),
    rowOfBoth(sides, {
      case: `${name}: peak memory`,
      unit: "MB",
      of: ({ memory }) => memory.peakMb,
    }),
  ];
}
