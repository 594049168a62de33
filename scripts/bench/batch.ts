/** Benchmark `batch`: several streams on one model, against the same streams unbatched and against runs of whole batches in a loop. */
import type { Benchmark } from "./benchmark.ts";
import { writeCalibratedModel } from "./calibrated-model.ts";
import { ClipFolder } from "./clip.ts";
import type { Measurement } from "./report.ts";
import { throughput } from "./throughput-run.ts";
import { WEIGHTY_SIDE, writeWeightyModel } from "./weighty-model.ts";

const STREAMS = [4, 8] as const;
const SIZE = { width: WEIGHTY_SIDE, height: WEIGHTY_SIDE } as const;
/** Frames that a stream may take: far more than it gets. */
const FRAMES_PER_SECOND = 150;
const WEIGHTY = "weighty";
/** A model of convolutions: they take as long for each picture of a batch as for one alone. */
const BLURS = "blurs";
const BLURS_MS = 10;

export const batch: Benchmark = async ({ quick, log }) => {
  await using folder = await ClipFolder.create();
  const seconds = quick ? 2 : 5;
  const rounds = quick ? 1 : 5;
  const frames = FRAMES_PER_SECOND * (seconds + 2);
  const clip = await folder.describe(folder.make(SIZE.width, SIZE.height, frames));
  await writeWeightyModel(folder.path, WEIGHTY);
  await writeCalibratedModel(folder.path, BLURS, BLURS_MS, SIZE);
  const setting = { job: { workspace: folder.path, clip, seconds }, rounds, log };
  const measurements: Measurement[] = [];
  for (const streams of quick ? STREAMS.slice(0, 1) : STREAMS) {
    for (const model of [WEIGHTY, BLURS]) {
      const runs = await runInTurn(model, streams, setting);
      measurements.push(...rowsOf(model, streams, runs));
    }
  }
  return measurements;
};

interface Setting {
  readonly job: { readonly workspace: string; readonly clip: string; readonly seconds: number };
  readonly rounds: number;
  readonly log: (text: string) => void;
}

/** Frames a second of each round; of the streams, by stream. */
interface Runs {
  readonly batched: number[][];
  readonly unbatched: number[][];
  readonly loop: number[];
}

async function runInTurn(
  model: string,
  streams: number,
  { job, rounds, log }: Setting,
): Promise<Runs> {
  const runs: Runs = { batched: [], unbatched: [], loop: [] };
  const pipelines = { ...job, model, way: "pipeline", streams } as const;
  for (let round = 1; round <= rounds; round++) {
    log(`${streams} streams of ${model}: round ${round} of ${rounds}`);
    runs.batched.push([...(await throughput({ ...pipelines, maxBatch: 0 })).fps]);
    runs.unbatched.push([...(await throughput({ ...pipelines, maxBatch: 1 })).fps]);
    if (model === WEIGHTY) {
      runs.loop.push(...(await throughput({ ...job, model, way: "loop", items: streams })).fps);
    }
  }
  return runs;
}

function rowsOf(model: string, streams: number, { batched, unbatched, loop }: Runs): Measurement[] {
  const total = (runs: readonly number[][]) => runs.map((fps) => fps.reduce((a, b) => a + b));
  const unit = "frames/s";
  const samples = total(batched);
  const against = {
    case: `${streams} streams of ${model} against unbatched`,
    ...{ unit, samples },
    reference: { name: "--max-batch 1", samples: total(unbatched) },
    aim: { on: "ratio", sign: "≥", bound: 1 },
  } as const;
  if (model !== WEIGHTY) return [{ ...against, note: "batches do not pay here" }];
  return [
    {
      case: `${streams} streams of ${model}`,
      ...{ unit, samples },
      reference: { name: `session.run of ${streams} in a loop`, samples: loop },
      aim: { on: "ratio", sign: "≥", bound: 0.9 },
    },
    against,
    {
      case: `${streams} streams of ${model}: the slowest`,
      unit,
      samples: batched.map((fps) => Math.min(...fps)),
      reference: { name: "mean of all", samples: samples.map((fps) => fps / streams) },
    },
  ];
}
