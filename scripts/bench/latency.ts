/**
 * Benchmark `latency`: 512² at 30 fps through the real server and engine over loopback, measured from outside for each frame; then in turn with
 * pytrickle.
 */
import { join } from "node:path";
import type { Benchmark } from "./benchmark.ts";
import { writeCalibratedModel } from "./calibrated-model.ts";
import { ClipFolder } from "./clip.ts";
import { latencyBesidePytrickle } from "./latency-peer.ts";
import { noiseFloor, runStream, type StreamRun } from "./latency-run.ts";
import type { PipelineRun } from "./pipeline-run.ts";
import { memoryMb, runScript } from "./processes.ts";
import { startProduct } from "./product-server.ts";
import { type Measurement, median, quantile } from "./report.ts";
import { playInTurn } from "./side-by-side.ts";

const SIZE = { width: 512, height: 512 } as const;
/** The name of the calibrated model. */
const TEN_MS = "ten-ms";
const MODELS = ["identity", TEN_MS] as const;

export const latency: Benchmark = async ({ quick, log }) => {
  await using folder = await ClipFolder.create();
  const clip = folder.make(SIZE.width, SIZE.height, quick ? 120 : 600);
  if (!quick) await writeCalibratedModel(folder.path, TEN_MS, 10, SIZE);
  const rounds = quick ? 1 : 3;
  const native = await nativeMs(await folder.describe(clip));
  await using server = await startProduct(["--workspace", folder.path]);
  const floors: number[][] = [];
  const runs: Record<string, StreamRun[]> = {};
  for (let round = 1; round <= rounds; round++) {
    log(`round ${round} of ${rounds}`);
    floors.push(await noiseFloor(clip, server, `floor-${round}`));
    for (const model of quick ? MODELS.slice(0, 1) : MODELS) {
      runs[model] = [...(runs[model] ?? []), await runStream(clip, server, model, round)];
    }
  }
  const sides = await playInTurn({ server, clip, rounds, log, pace: "real time" });
  const at = (share: number) => floors.map((floor) => quantile(floor, share));
  const floor = [0.5, 0.95, 0.99].map((share) => ({
    case: `control: publisher to subscriber p${share * 100}`,
    unit: "ms",
    samples: at(share),
    ...(share === 0.5 && {
      distributions: [{ name: "without an engine", samples: floors.flat() }],
    }),
  }));
  const memory = [
    { case: "server peak memory", unit: "MB", samples: [memoryMb(server.pid).peak] },
    { case: "engine peak memory", unit: "MB", samples: [memoryMb(server.enginePid).peak] },
  ];
  const perModel = Object.entries(runs).flatMap(([model, of]) => rowsOf(model, of, native));
  return [...perModel, ...latencyBesidePytrickle(sides), ...floor, ...memory];
};

/** Milliseconds of decoding and encoding one frame, measured by the bare loop at the pace of the stream. */
async function nativeMs(description: string): Promise<number> {
  const script = join(import.meta.dir, "pipeline-run.ts");
  const { output } = await runScript<PipelineRun>(script, ["paced-loop", description]);
  return (output.stepMs["decode"] ?? Number.NaN) + (output.stepMs["encode"] ?? Number.NaN);
}

function rowsOf(model: string, runs: readonly StreamRun[], native: number): Measurement[] {
  const at = (share: number) => runs.map(({ latencyMs }) => quantile(latencyMs, share));
  const modelMs = runs.map(({ figures }) => figures.inference_ms.p50);
  const own = median(modelMs);
  const measured = runs[0]?.latencyMs.length ?? 0;
  const hidden = measured - (runs[0]?.shownMs.length ?? 0);
  const limit = { name: "model + decode + encode", samples: modelMs.map((ms) => ms + native) };
  const atMost = (bound: number) => ({ on: "value", sign: "≤", bound }) as const;
  const row = { unit: "ms" };
  const cpuRow = { unit: "CPU s/s" };
  return [
    {
      ...row,
      case: `${model} p50`,
      samples: at(0.5),
      reference: limit,
      aim: atMost(own + 5),
      distributions: [{ name: model, samples: runs.flatMap(({ latencyMs }) => latencyMs) }],
    },
    { ...row, case: `${model} p95`, samples: at(0.95), reference: limit },
    {
      ...row,
      case: `${model} p99`,
      samples: at(0.99),
      reference: limit,
      aim: atMost(own + 20),
    },
    {
      ...row,
      case: `${model} p99 of frames whose end the TS shows`,
      samples: runs.map(({ shownMs }) => quantile(shownMs, 0.99)),
      note: `${hidden} of ${measured} frames fill their last TS packet, so that only the next one ends them`,
    },
    { ...row, case: `${model}: the model itself p50`, samples: modelMs },
    {
      ...row,
      case: `${model}: p50 as the stream's own stats say`,
      samples: runs.map(({ figures }) => figures.latency_ms.p50),
    },
    {
      case: `${model}: frames lost`,
      unit: "frames",
      samples: runs.map(({ lost }) => lost),
      note: `of ${measured} in a run`,
    },
    { ...cpuRow, case: `${model}: engine CPU`, samples: runs.map((run) => run.engineCpu) },
    { ...cpuRow, case: `${model}: server CPU`, samples: runs.map((run) => run.serverCpu) },
  ];
}
