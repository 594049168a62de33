/** Benchmark `inference`: frames a second of the whole pipeline with models of several costs, against the same `session.run` in a loop. */
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { sharedData } from "../../tests/support/shared-data.ts";
import type { Benchmark } from "./benchmark.ts";
import { writeCalibratedModel } from "./calibrated-model.ts";
import { ClipFolder } from "./clip.ts";
import type { Measurement } from "./report.ts";
import { type ThroughputJob, throughput } from "./throughput-run.ts";

const SIZE = { width: 512, height: 512 } as const;
const COSTS_MS = [10, 30, 100] as const;
const STYLES = 26;
/** Enough for all rounds of a model of 10 ms in one process. */
const FRAMES = 1000;
/** Where a process has its memory makes some percent of difference, for either side. */
const PROCESSES = 4;

export const inference: Benchmark = async ({ quick, log }) => {
  await using folder = await ClipFolder.create();
  const clip = await folder.describe(folder.make(SIZE.width, SIZE.height, quick ? 400 : FRAMES));
  const job = { workspace: folder.path, clip, rounds: quick ? 1 : 3, seconds: 1 };
  const processes = quick ? 1 : PROCESSES;
  const measurements: Measurement[] = [];
  for (const ms of quick ? COSTS_MS.slice(0, 1) : COSTS_MS) {
    const model = `costs-${ms}-ms`;
    await writeCalibratedModel(folder.path, model, ms, SIZE);
    log(`a model of ${ms} ms`);
    measurements.push(
      ...(await compare(`a model of ${ms} ms at 512²`, { ...job, model }, processes)),
    );
  }
  const painter = "multistyle26 at 256² in a stream of 512²";
  const file = sharedData("models/trained/multistyle26.onnx");
  if (file === null) {
    const note = "../shared/data/models/trained/multistyle26.onnx is absent";
    return [...measurements, { case: painter, unit: "frames/s", samples: [], note }];
  }
  await addPainter(folder.path, file);
  log(painter);
  return [
    ...measurements,
    ...(await compare(painter, { ...job, model: "multistyle26" }, processes)),
  ];
};

async function compare(
  name: string,
  job: Omit<ThroughputJob, "ways">,
  processes: number,
): Promise<Measurement[]> {
  const pipeline: number[] = [];
  const loop: number[] = [];
  const inferenceMs: number[] = [];
  for (let process = 0; process < processes; process++) {
    const runs = await throughput({
      ...job,
      ways: [
        { name: "pipeline", streams: 1, maxBatch: 1 },
        { name: "loop", loopOf: 1 },
      ],
    });
    pipeline.push(...(runs["pipeline"]?.fps.flat() ?? []));
    loop.push(...(runs["loop"]?.fps.flat() ?? []));
    inferenceMs.push(runs["pipeline"]?.inferenceMs ?? Number.NaN);
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
      samples: inferenceMs,
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
