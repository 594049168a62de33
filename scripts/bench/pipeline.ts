/** Benchmark `pipeline`: clip → decode → RGB → identity → encode → segments, unpaced, against a bare loop, ffmpeg and pytrickle. */
import { join } from "node:path";
import type { Benchmark } from "./benchmark.ts";
import { type Clip, ClipFolder } from "./clip.ts";
import { type FfmpegRun, runFfmpeg } from "./ffmpeg-process.ts";
import { pipelineBesidePytrickle } from "./pipeline-peer.ts";
import { type PipelineRun, UNPACED_WAYS, type UnpacedWay } from "./pipeline-run.ts";
import { runScript } from "./processes.ts";
import type { Measurement } from "./report.ts";

const SIZES = [
  { name: "512²", width: 512, height: 512 },
  { name: "720p", width: 1280, height: 720 },
] as const;
/** If the outputs differ by more than this, the two sides have not done the same work. */
const SAME_BYTES = 0.02;

type Run = PipelineRun & { readonly peakMb: number };

export const pipeline: Benchmark = async ({ quick, log }) => {
  await using folder = await ClipFolder.create();
  const sizes = quick ? SIZES.slice(0, 1) : SIZES;
  const measurements: Measurement[] = [];
  for (const { name, width, height } of sizes) {
    const clip = folder.make(width, height, quick ? 180 : 450);
    const description = await folder.describe(clip);
    const rounds = quick ? 1 : 3;
    const logOf = (text: string) => log(`${name} ${text}`);
    const runs = await runInTurn({ clip, description, rounds }, logOf);
    measurements.push(...measurementsOf(name, clip, runs));
    measurements.push(...(await pipelineBesidePytrickle(name, { clip, rounds, log: logOf })));
  }
  return measurements;
};

interface Runs {
  readonly ways: Readonly<Record<UnpacedWay, Run[]>>;
  readonly ffmpeg: readonly FfmpegRun[];
}

interface Turns {
  readonly clip: Clip;
  readonly description: string;
  readonly rounds: number;
}

async function runInTurn(
  { clip, description, rounds }: Turns,
  log: (text: string) => void,
): Promise<Runs> {
  const ways: Record<UnpacedWay, Run[]> = { product: [], "no-model": [], loop: [], control: [] };
  const ffmpeg: FfmpegRun[] = [];
  for (let round = 1; round <= rounds; round++) {
    log(`round ${round} of ${rounds}`);
    for (const way of UNPACED_WAYS) {
      const script = join(import.meta.dir, "pipeline-run.ts");
      const { output, peakMb } = await runScript<PipelineRun>(script, [way, description]);
      ways[way].push({ ...output, peakMb });
    }
    const run = await runFfmpeg(clip);
    if (run) ffmpeg.push(run);
  }
  const bytes = (way: UnpacedWay) => ways[way][0]?.bytes ?? 0;
  if (Math.abs(bytes("product") / bytes("loop") - 1) > SAME_BYTES) {
    throw new Error(`the pipeline made ${bytes("product")} bytes, the loop ${bytes("loop")}`);
  }
  return { ways, ffmpeg };
}

function measurementsOf(name: string, clip: Clip, { ways, ffmpeg }: Runs): Measurement[] {
  const cpu = (runs: readonly Run[]) => runs.map((run) => run.cpuSeconds / run.frames);
  const fps = (runs: readonly Run[]) => runs.map((run) => run.frames / run.wallSeconds);
  const { product, loop, control } = ways;
  const bare = ways["no-model"];
  const loopCpu = { name: "bare loop", samples: cpu(loop) };
  const ffmpegCpu = { name: "ffmpeg process", samples: ffmpeg.map((run) => run.cpuPerFrame) };
  const ffmpegFps = { name: "ffmpeg process", samples: ffmpeg.map((run) => run.fps) };
  const absent = ffmpeg.length === 0 ? { note: "ffmpeg is not installed" } : {};
  const most = (bound: number) => ({ on: "ratio", sign: "≤", bound }) as const;
  const cpuRow = { unit: "CPU s/frame" };
  const fpsRow = { unit: "frames/s" };
  const memory = (way: Run[]) => way.map((run) => run.peakMb);
  return [
    {
      ...cpuRow,
      case: `${name} CPU`,
      samples: cpu(product),
      reference: loopCpu,
      aim: most(1.05),
      note: `${clip.source}, ${clip.ends.length} frames`,
    },
    {
      ...cpuRow,
      case: `${name} CPU without the model`,
      samples: cpu(bare),
      reference: ffmpegCpu,
      aim: most(1),
      ...absent,
    },
    {
      ...fpsRow,
      case: `${name} wall`,
      samples: fps(product),
      reference: { name: "bare loop", samples: fps(loop) },
      aim: { on: "ratio", sign: "≥", bound: 1.3 },
    },
    {
      ...fpsRow,
      case: `${name} wall without the model`,
      samples: fps(bare),
      reference: ffmpegFps,
      ...absent,
    },
    { ...cpuRow, case: `${name} control: no work`, samples: cpu(control) },
    {
      case: `${name} peak memory`,
      unit: "MB",
      samples: memory(product),
      reference: { name: "bare loop", samples: memory(loop) },
    },
    ...stepRows(name, loop),
  ];
}

/** The cost of each native step in the loop. */
function stepRows(name: string, loop: readonly Run[]): Measurement[] {
  return Object.keys(loop[0]?.stepMs ?? {}).map((step) => ({
    case: `${name} loop: ${step}`,
    unit: "ms/frame",
    samples: loop.map((run) => run.stepMs[step] ?? Number.NaN),
  }));
}
