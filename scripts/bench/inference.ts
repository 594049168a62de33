/** Benchmark `inference`: frames a second of the whole pipeline with models of several costs, against the same `session.run` in a loop. */
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { sharedData } from "../../tests/support/shared-data.ts";
import type { Benchmark } from "./benchmark.ts";
import { writeCalibratedModel } from "./calibrated-model.ts";
import { ClipFolder } from "./clip.ts";
import type { Measurement } from "./report.ts";
import { throughput } from "./throughput-run.ts";

const SIZE = { width: 512, height: 512 } as const;
const COSTS_MS = [10, 30, 100] as const;
const STYLES = 26;
/** Frames that a run may take: far more than a 10 ms model makes. */
const FRAMES_PER_SECOND = 150;

export const inference: Benchmark = async ({ quick, log }) => {
  await using folder = await ClipFolder.create();
  const seconds = quick ? 2 : 6;
  const rounds = quick ? 1 : 5;
  const frames = FRAMES_PER_SECOND * (seconds + 2);
  const clip = await folder.describe(folder.make(SIZE.width, SIZE.height, frames));
  const measurements: Measurement[] = [];
  for (const ms of quick ? COSTS_MS.slice(0, 1) : COSTS_MS) {
    const model = `costs-${ms}-ms`;
    await writeCalibratedModel(folder.path, model, ms, SIZE);
    const row = { case: `a model of ${ms} ms at 512²`, model };
    measurements.push(...(await compare(row, { folder, clip, seconds, rounds, log })));
  }
  const painter = { case: "multistyle26 at 256² in a stream of 512²", model: "multistyle26" };
  const file = sharedData("models/trained/multistyle26.onnx");
  if (file === null) {
    const note = "../shared/data/models/trained/multistyle26.onnx is absent";
    return [...measurements, { case: painter.case, unit: "frames/s", samples: [], note }];
  }
  await addPainter(folder.path, file);
  return [...measurements, ...(await compare(painter, { folder, clip, seconds, rounds, log }))];
};

interface Setting {
  readonly folder: ClipFolder;
  readonly clip: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly log: (text: string) => void;
}

async function compare(
  { case: name, model }: { readonly case: string; readonly model: string },
  { folder, clip, seconds, rounds, log }: Setting,
): Promise<Measurement[]> {
  const job = { workspace: folder.path, model, clip, seconds };
  const pipeline: number[] = [];
  const loop: number[] = [];
  const runMs: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    log(`${name}: round ${round} of ${rounds}`);
    const run = await throughput({ ...job, way: "pipeline", streams: 1, maxBatch: 1 });
    pipeline.push(...run.fps);
    runMs.push(run.inferenceMs ?? Number.NaN);
    loop.push(...(await throughput({ ...job, way: "loop", items: 1 })).fps);
  }
  return [
    {
      case: name,
      unit: "frames/s",
      samples: pipeline,
      reference: { name: "session.run in a loop", samples: loop },
      aim: { on: "ratio", sign: "≥", bound: 0.95 },
    },
    {
      case: `${name}: a run in the pipeline`,
      unit: "ms",
      samples: runMs,
      reference: { name: "session.run in a loop", samples: loop.map((fps) => 1000 / fps) },
    },
  ];
}

/** A trained network that paints in 26 styles. */
async function addPainter(workspace: string, file: string): Promise<void> {
  const folder = join(workspace, "models", "multistyle26");
  await mkdir(folder, { recursive: true });
  await copyFile(file, join(folder, "model.onnx"));
  const pixels = { layout: "nchw", channels: "rgb", range: [0, 1] };
  const weights = Array.from({ length: STYLES }, (_, style) => (style === 0 ? 1 : 0));
  const json = {
    file: "model.onnx",
    inputs: {
      image: { role: "frame", ...pixels, size: [256, 256] },
      style_weights: { role: "vector", name: "style", default: weights, blend: true },
    },
    outputs: { stylized: { role: "image", ...pixels } },
  };
  await Bun.write(join(folder, "model.json"), JSON.stringify(json));
}
