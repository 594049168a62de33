/** Benchmark `budget`: where the milliseconds and the CPU seconds of a frame go, by stage and by thread, with the bytes copied. */
import { join } from "node:path";
import type { Benchmark } from "./benchmark.ts";
import { type BudgetRun, playThrough, takeProbeReport } from "./budget/budget-run.ts";
import {
  allocated,
  arithmetic,
  copied,
  copiedBySet,
  type FrameSizes,
} from "./budget/frame-copies.ts";
import { PROBE_FILE, type ProbeReport, STAGES, type Stage } from "./budget/probe-report.ts";
import { type CpuByKind, THREAD_KINDS } from "./budget/thread-cpu.ts";
import { typicalFrame } from "./budget/typical-frame.ts";
import { ClipFolder } from "./clip.ts";
import type { PipelineRun } from "./pipeline-run.ts";
import { runScript } from "./processes.ts";
import { startProduct } from "./product-server.ts";
import { type Measurement, median } from "./report.ts";

const SIZES = [
  { name: "512²", width: 512, height: 512 },
  { name: "720p", width: 1280, height: 720 },
] as const;

/** The steps of the bare loop that do the work of a stage. */
const LOOP_STEPS: Partial<Record<Stage, string>> = {
  decode: "decode",
  "model stage: to RGB": "toPicture",
  "model stage: session.run": "model",
  "model stage: from RGB": "toFrame",
  encode: "encode",
  segment: "segment",
};

/** Kinds of threads that use less than this are not shown, in CPU seconds a second. */
const LEAST_CPU = 0.001;

interface Runs {
  /** The product as it is. */
  readonly plain: BudgetRun[];
  readonly probed: BudgetRun[];
  readonly reports: ProbeReport[];
  /** Milliseconds of the bare loop's steps at the pace of the stream. */
  readonly loops: Readonly<Record<string, number>>[];
}

export const budget: Benchmark = async ({ quick, log }) => {
  await using folder = await ClipFolder.create();
  const file = join(folder.path, "probe.json");
  await using server = await startProduct();
  await using withProbe = await startProduct([], {
    BUN_OPTIONS: `--preload=${join(import.meta.dir, "budget/probe.ts")}`,
    [PROBE_FILE]: file,
  });
  const measurements: Measurement[] = [];
  for (const { name, width, height } of quick ? SIZES.slice(0, 1) : SIZES) {
    const clip = folder.make(width, height, quick ? 90 : 645);
    const description = await folder.describe(clip);
    const runs: Runs = { plain: [], probed: [], reports: [], loops: [] };
    for (let round = 1; round <= (quick ? 1 : 3); round++) {
      log(`${name} round ${round}`);
      const channel = `${width}-${round}`;
      runs.plain.push(await playThrough(clip, server, channel));
      runs.probed.push(await playThrough(clip, withProbe, channel));
      runs.reports.push(await takeProbeReport(file));
      const script = join(import.meta.dir, "pipeline-run.ts");
      const { output } = await runScript<PipelineRun>(script, ["paced-loop", description]);
      runs.loops.push(output.stepMs);
    }
    const pictureBytes = 3 * width * height;
    measurements.push(...stageRows(name, runs), ...threadRows(name, runs));
    measurements.push(...byteRows(name, runs, pictureBytes));
  }
  return measurements;
};

/** The stages of a frame and their sum. */
function stageRows(name: string, { reports, loops }: Runs): Measurement[] {
  const typical = reports.map(({ frames }) => typicalFrame(frames));
  const loopSums = loops.map((steps) => Object.values(steps).reduce((sum, ms) => sum + ms, 0));
  const all: Measurement = {
    unit: "ms",
    case: `${name} in all: from the input socket to the output socket`,
    samples: typical.map(({ latencyMs }) => latencyMs),
    reference: { name: "bare loop at 30 fps", samples: loopSums },
  };
  const stages = STAGES.map((stage): Measurement => {
    const samples = typical.map(({ stageMs }) => stageMs[stage] ?? Number.NaN);
    const step = LOOP_STEPS[stage];
    if (step === undefined) return { unit: "ms", case: `${name} ${stage}`, samples };
    const steps = loops.map((stepMs) => stepMs[step] ?? Number.NaN);
    const reference = { name: "bare loop at 30 fps", samples: steps };
    return { unit: "ms", case: `${name} ${stage}`, samples, reference };
  });
  return [...stages, all];
}

function threadRows(name: string, { plain, probed }: Runs): Measurement[] {
  const row = { unit: "CPU s/s" };
  const total = (cpu: CpuByKind) => THREAD_KINDS.reduce((sum, kind) => sum + cpu[kind], 0);
  const kinds = (["engine", "server"] as const).flatMap((process) =>
    THREAD_KINDS.map((kind) => ({
      ...row,
      case: `${name} ${process}: ${kind}`,
      samples: plain.map((run) => run[process][kind]),
    })),
  );
  return [
    ...kinds.filter(({ samples }) => median(samples) >= LEAST_CPU),
    { ...row, case: `${name} server in all`, samples: plain.map((run) => total(run.server)) },
    { ...row, case: `${name} engine in all`, samples: plain.map((run) => total(run.engine)) },
    {
      ...row,
      case: `${name} control: engine with the probe`,
      samples: probed.map((run) => total(run.engine)),
      reference: { name: "without", samples: plain.map((run) => total(run.engine)) },
    },
  ];
}

function byteRows(name: string, { plain, reports }: Runs, picture: number): Measurement[] {
  const row = { unit: "KB/frame" };
  const sizes = reports.map(({ unitBytes, codedBytes, frames }): FrameSizes => {
    return { picture, unit: unitBytes / frames.length, coded: codedBytes / frames.length };
  });
  const kilobytes = (of: (each: FrameSizes) => number) => sizes.map((each) => of(each) / 1000);
  const [first] = sizes;
  return [
    {
      ...row,
      case: `${name} copied, as the code says`,
      samples: kilobytes(copied),
      ...(first && { note: arithmetic(first) }),
    },
    {
      ...row,
      case: `${name} copied by set and slice, as counted in the engine`,
      samples: reports.map(({ copiedBytes, frames }) => copiedBytes / frames.length / 1000),
      reference: { name: "as the code says", samples: kilobytes(copiedBySet) },
    },
    {
      ...row,
      case: `${name} allocated, as the code says`,
      samples: kilobytes(allocated),
      note: "each copy goes to new memory; ONNX Runtime's output tensor is one picture more",
    },
    {
      case: `${name} engine: page faults`,
      unit: "faults/frame",
      samples: plain.map(({ faults }) => faults),
      note: "each maps memory anew: 4 KB, or 2 MB where huge pages are on",
    },
  ];
}
