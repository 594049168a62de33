/** Rows of the latency benchmark beside pytrickle: the same clip in real time, seen by the same reader. */
import { CLIP_FPS } from "./clip.ts";
import { type Aim, type Measurement, quantile } from "./report.ts";
import { type RowOfBoth, rowOfBoth, type Sides } from "./side-by-side.ts";
import { latenciesOf } from "./worker-figures.ts";
import type { WorkerRun } from "./worker-run.ts";

const atMost = (bound: number): Aim => ({ on: "ratio", sign: "≤", bound });
const QUANTILES = [
  { share: 0.5, aim: atMost(0.1) },
  { share: 0.95 },
  { share: 0.99, aim: atMost(0.25) },
];

export function latencyBesidePytrickle(sides: Sides): Measurement[] {
  const row = (name: string, rest: Omit<RowOfBoth, "case">): Measurement =>
    rowOfBoth(sides, { case: `beside pytrickle: ${name}`, ...rest });
  const seconds = (run: WorkerRun) => run.sent.length / CLIP_FPS;
  const allOf = (runs: readonly WorkerRun[]) => runs.flatMap((run) => latenciesOf(run).toFirstByte);
  const distributions = [
    { name: "identity, beside pytrickle", samples: allOf(sides.ours) },
    { name: "pytrickle without a model", samples: allOf(sides.theirs) },
  ].filter(({ samples }) => samples.length > 0);
  return [
    ...QUANTILES.map(({ share, ...rest }) =>
      row(`first byte p${share * 100}`, {
        unit: "ms",
        of: (run) => quantile(latenciesOf(run).toFirstByte, share),
        ...rest,
        ...(share === 0.5 && { distributions }),
      }),
    ),
    row("frames lost", { unit: "frames", of: (run) => latenciesOf(run).lost }),
    row("first output", { unit: "ms", of: (run) => latenciesOf(run).firstOutput }),
    row("CPU of the process with the frames", {
      unit: "CPU s/s",
      of: (run) => run.cpu.media / seconds(run),
    }),
    row("CPU with the trickle server", {
      unit: "CPU s/s",
      of: (run) => run.cpu.total / seconds(run),
      note: "server and engine here, pytrickle and the same server there",
    }),
    row("memory", {
      unit: "MB",
      of: ({ memory }) => memory.memoryMb,
      note: "server and engine, which include the trickle server; pytrickle alone",
    }),
    row("peak memory", { unit: "MB", of: ({ memory }) => memory.peakMb }),
  ];
}
