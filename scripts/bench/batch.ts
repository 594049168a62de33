/** Benchmark `batch`: several streams on one model, against the same streams unbatched and against runs of whole batches in a loop. */
import type { Benchmark } from "./benchmark.ts";
import { writeCalibratedModel } from "./calibrated-model.ts";
import { ClipFolder } from "./clip.ts";
import type { Measurement } from "./report.ts";
import { type Throughput, throughput } from "./throughput-run.ts";
import { WEIGHTY_SIDE, writeWeightyModel } from "./weighty-model.ts";

const STREAMS = [4, 8] as const;
const SIZE = { width: WEIGHTY_SIDE, height: WEIGHTY_SIDE } as const;
/** Enough for all rounds of a stream. */
const FRAMES = 2500;
const WEIGHTY = "weighty";
/** A model of convolutions: they take as long for each picture of a batch as for one alone. */
const BLURS = "blurs";
const BLURS_MS = 10;
/** Two runs of the same may differ by so much: a process has its memory here or there. */
const NOISE = 0.95;

export const batch: Benchmark = async ({ quick, log }) => {
  await using folder = await ClipFolder.create();
  const clip = await folder.describe(folder.make(SIZE.width, SIZE.height, quick ? 400 : FRAMES));
  const job = { workspace: folder.path, clip, rounds: quick ? 1 : 6, seconds: 1 };
  await writeWeightyModel(folder.path, WEIGHTY);
  await writeCalibratedModel(folder.path, BLURS, BLURS_MS, SIZE);
  const measurements: Measurement[] = [];
  for (const streams of quick ? STREAMS.slice(0, 1) : STREAMS) {
    for (const model of [WEIGHTY, BLURS]) {
      log(`${streams} streams of ${model}`);
      const runs = await throughput({
        ...job,
        model,
        ways: [
          { name: "batched", streams, maxBatch: 0 },
          { name: "unbatched", streams, maxBatch: 1 },
          { name: "loop", loopOf: streams },
        ],
      });
      measurements.push(...rowsOf(model, streams, runs));
    }
  }
  return measurements;
};

function rowsOf(
  model: string,
  streams: number,
  runs: Readonly<Record<string, Throughput>>,
): Measurement[] {
  const { batched, unbatched, loop } = runs;
  const total = (run: Throughput | undefined) =>
    (run?.fps ?? []).map((fps) => fps.reduce((a, b) => a + b));
  const unit = "frames/s";
  const samples = total(batched);
  const pays = model === WEIGHTY;
  const against = {
    case: `${streams} streams of ${model} against unbatched`,
    unit,
    samples,
    reference: { name: "--max-batch 1", samples: total(unbatched) },
    aim: { on: "ratio", sign: "≥", bound: pays ? 1 : NOISE },
  } as const;
  if (!pays) return [{ ...against, note: "batches do not pay here: both run the same" }];
  return [
    {
      case: `${streams} streams of ${model}`,
      unit,
      samples,
      reference: { name: `session.run of ${streams} in a loop`, samples: total(loop) },
      aim: { on: "ratio", sign: "≥", bound: 0.9 },
    },
    against,
    {
      case: `${streams} streams of ${model}: the slowest`,
      unit,
      samples: (batched?.fps ?? []).map((fps) => Math.min(...fps)),
      reference: { name: "mean of all", samples: samples.map((fps) => fps / streams) },
    },
  ];
}
