/** Child process: measures several ways of running one model in turn, again and again. `bun throughput-run.ts <job as JSON>` */
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { ModelHost } from "../../src/engine/device/model-host.ts";
import { ModelCatalogue } from "../../src/engine/models/catalogue.ts";
import { BenchStream } from "./bench-stream.ts";
import { accessUnits, type Clip } from "./clip.ts";
import { ModelLoop } from "./model-loop.ts";
import { PipelineLoop } from "./pipeline-loop.ts";
import { runScript } from "./processes.ts";
import { median } from "./report.ts";

/** Streams through the engine's pipeline, with batches of at most `maxBatch` (0: as large as pays); or a bare loop. */
export type Way =
  | { readonly name: string; readonly streams: number; readonly maxBatch: number }
  | { readonly name: string; readonly loopOf: number };

export interface ThroughputJob {
  readonly workspace: string;
  readonly model: string;
  /** A file that describes the clip, as `ClipFolder.describe` writes it. */
  readonly clip: string;
  readonly ways: readonly Way[];
  readonly rounds: number;
  /** Duration of one measurement of one way. */
  readonly seconds: number;
}

/** The measurements of one way. */
export interface Throughput {
  /** Frames a second by round and stream; a loop counts as one stream. */
  readonly fps: readonly (readonly number[])[];
  /** Median device time that was charged for a frame; null for a loop. */
  readonly inferenceMs: number | null;
}

/** Streams run this long before each measurement, so that batches have formed. */
const SETTLE_MS = 300;
/** Each way runs this long before measuring starts, so that compilation is not counted. */
const WARM_UP_SECONDS = 2;
const LIMIT_MS = 300_000;

/** Runs a job in a process of its own; returns the measurements by the names of the ways. */
export async function throughput(job: ThroughputJob): Promise<Record<string, Throughput>> {
  const args = [JSON.stringify(job)];
  return (await runScript<Record<string, Throughput>>(import.meta.path, args, LIMIT_MS)).output;
}

interface OpenWay {
  /** Frames a second of each stream. */
  measure(seconds: number): Promise<number[]>;
  inferenceMs(): number | null;
  close(): Promise<void>;
}

async function measure({ ways, rounds, seconds, ...job }: ThroughputJob) {
  quietLibav();
  const open = await Promise.all(
    ways.map(async (way) => ({ way, run: await openWay(way, job), fps: [] as number[][] })),
  );
  for (const { run } of open) await run.measure(WARM_UP_SECONDS);
  for (let round = 0; round < rounds; round++) {
    // In turn from either end, so that none always follows the same one.
    const inTurn = round % 2 === 0 ? open : open.toReversed();
    for (const { run, fps } of inTurn) fps.push(await run.measure(seconds));
  }
  const results: Record<string, Throughput> = {};
  for (const { way, run, fps } of open) {
    results[way.name] = { fps, inferenceMs: run.inferenceMs() };
    await run.close();
  }
  return results;
}

async function openWay(
  way: Way,
  { workspace, model, clip: path }: Pick<ThroughputJob, "workspace" | "model" | "clip">,
): Promise<OpenWay> {
  const clip = (await Bun.file(path).json()) as Clip;
  const catalogue = await ModelCatalogue.open(workspace);
  if ("loopOf" in way) {
    const { program } = await catalogue.get(model);
    const loop =
      "pipeline" in program
        ? await PipelineLoop.open(program.pipeline, clip)
        : await ModelLoop.open(catalogue, model, { items: way.loopOf, size: clip });
    return {
      measure: async (seconds) => [await loop.measure(seconds)],
      inferenceMs: () => null,
      close: () => loop.release(),
    };
  }
  const { maxBatch } = way;
  const host = new ModelHost({ catalogue, device: "cpu", onChange: () => {}, maxBatch });
  await host.acquire(model);
  const units = await accessUnits(clip);
  const streams = Array.from(
    { length: way.streams },
    (_, index) => new BenchStream({ host, units, model, key: `stream ${index}` }),
  );
  const pause = async () => await Promise.all(streams.map((stream) => stream.pause()));
  const ended = Promise.race(streams.map(({ done }) => done)).then(() => {
    throw new Error("the clip is too short for the run");
  });
  ended.catch(() => {}); // once it is closed
  await pause();
  return {
    async measure(seconds) {
      for (const stream of streams) stream.resume();
      await Bun.sleep(SETTLE_MS);
      const before = streams.map(({ taken }) => taken.frames);
      const begun = performance.now();
      await Promise.race([Bun.sleep(seconds * 1000), ended]);
      const took = (performance.now() - begun) / 1000;
      const fps = streams.map(({ taken }, at) => (taken.frames - (before[at] ?? 0)) / took);
      await pause();
      return fps;
    },
    inferenceMs: () => median(streams.flatMap((stream) => stream.inferenceMs)),
    async close() {
      await Promise.all(streams.map((stream) => stream.stop()));
      await host[Symbol.asyncDispose]();
    },
  };
}

if (import.meta.main) {
  const [job = ""] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await measure(JSON.parse(job) as ThroughputJob)));
  process.exit(0);
}
