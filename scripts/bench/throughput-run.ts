/** Child process: runs a model for some seconds, in the engine's pipeline or in a bare loop. `bun throughput-run.ts <job as JSON>` */
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { ModelHost } from "../../src/engine/device/model-host.ts";
import { ModelCatalogue } from "../../src/engine/models/catalogue.ts";
import { BenchStream } from "./bench-stream.ts";
import { accessUnits, type Clip } from "./clip.ts";
import { measureModelLoop } from "./model-loop.ts";
import { runScript } from "./processes.ts";
import { median } from "./report.ts";

/** What the child is to run. */
export type ThroughputJob = {
  readonly workspace: string;
  readonly model: string;
  /** A file that describes the clip, as `ClipFolder.describe` writes it. */
  readonly clip: string;
  readonly seconds: number;
} & (
  | {
      readonly way: "pipeline";
      readonly streams: number;
      /** As the flag `--max-batch`. */
      readonly maxBatch: number;
    }
  | {
      readonly way: "loop";
      /** Pictures in each run. */
      readonly items: number;
    }
);

/** The result that the child prints. */
export interface Throughput {
  /** Frames a second of each stream; of the loop, of all pictures together. */
  readonly fps: readonly number[];
  /** Median device time that was charged for a frame; null for the loop. */
  readonly inferenceMs: number | null;
}

/** Each stream has had this many frames before measuring starts. */
const WARM_UP_FRAMES = 15;

/** Runs a job in a process of its own. */
export async function throughput(job: ThroughputJob): Promise<Throughput & { peakMb: number }> {
  const { output, peakMb } = await runScript<Throughput>(import.meta.path, [JSON.stringify(job)]);
  return { ...output, peakMb };
}

async function measure(job: ThroughputJob): Promise<Throughput> {
  const { workspace, model, seconds } = job;
  const clip = (await Bun.file(job.clip).json()) as Clip;
  if (job.way === "loop") {
    const { items } = job;
    const fps = await measureModelLoop({ workspace, model }, { items, size: clip, seconds });
    return { fps: [fps], inferenceMs: null };
  }
  quietLibav();
  const catalogue = await ModelCatalogue.open(workspace);
  const { maxBatch } = job;
  const host = new ModelHost({ catalogue, device: "cpu", onChange: () => {}, maxBatch });
  await using _host = host;
  await host.acquire(model); // the load is not measured
  const units = await accessUnits(clip);
  const streams = Array.from(
    { length: job.streams },
    (_, index) => new BenchStream({ host, units, model, key: `stream ${index}` }),
  );
  const failed = Promise.all(streams.map(({ done }) => done));
  const whole = async () => {
    while (streams.some(({ taken }) => taken.frames < WARM_UP_FRAMES)) await Bun.sleep(10);
    for (const { inferenceMs } of streams) inferenceMs.length = 0;
    const before = streams.map(({ taken }) => taken.frames);
    const begun = performance.now();
    await Bun.sleep(seconds * 1000);
    const took = (performance.now() - begun) / 1000;
    return streams.map(({ taken }, index) => (taken.frames - (before[index] ?? 0)) / took);
  };
  const fps = await Promise.race([whole(), failed.then(() => null)]);
  if (fps === null) throw new Error("the clip is too short for the run");
  const inferenceMs = median(streams.flatMap((stream) => stream.inferenceMs));
  await Promise.all(streams.map((stream) => stream.stop()));
  return { fps, inferenceMs };
}

if (import.meta.main) {
  const [job = ""] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await measure(JSON.parse(job) as ThroughputJob)));
  process.exit(0);
}
