/** Benchmark `memory`: memory of server and engine when idle, with streams, and after minutes of two real-time streams. */
import { join } from "node:path";
import type { Benchmark } from "./benchmark.ts";
import { accessUnits, ClipFolder } from "./clip.ts";
import { type FedStream, openFedStream } from "./fed-stream.ts";
import { type MemorySamples, sampleMemory, totalMemory } from "./memory-samples.ts";
import { memoryMb, runScript, startServing } from "./processes.ts";
import { startProduct } from "./product-server.ts";
import { type Measurement, median } from "./report.ts";
import type { StreamParts } from "./stream-parts.ts";

/** The numbers of streams at which memory is measured. */
const COUNTS = [1, 2, 4, 8];
/** This many are watched for long. */
const WATCHED = 2;
const MOST_MB_A_STREAM = 20;
const HOUR_MS = 3_600_000;

export const memory: Benchmark = async ({ quick, minutes, log }) => {
  await using folder = await ClipFolder.create();
  const clip = folder.make(512, 512, quick ? 60 : 600);
  const units = await accessUnits(clip);
  const settleMs = quick ? 1000 : 15_000;
  const natives = await nativeMemory();
  const script = join(import.meta.dir, "stream-parts.ts");
  const { output: parts } = await runScript<StreamParts>(script, [await folder.describe(clip)]);
  await using server = await startProduct(["--max-streams", String(Math.max(...COUNTS))]);
  const idle = await sampleMemory(server, settleMs);
  const stages: Stage[] = [{ count: 0, samples: idle }];
  const streams: FedStream[] = [];
  const reach = async (count: number): Promise<void> => {
    for (let n = streams.length; n < count; n++) {
      const stream = await openFedStream(server, n);
      streams.push(stream);
      void stream.play(endless(units));
    }
    stages.push({ count, samples: await sampleMemory(server, settleMs) });
    log(`${count} streams`);
  };
  try {
    for (const count of COUNTS.filter((one) => one <= WATCHED)) await reach(count);
    // Buffers, compiled code and pools reach their size first.
    await sampleMemory(server, quick ? 0 : Math.min(60_000, (minutes * 60_000) / 4));
    log(`watching for ${quick ? "2 s" : `${minutes} minutes`}`);
    const long = await sampleMemory(server, quick ? 2000 : minutes * 60_000);
    const figures = await Promise.all(streams.map(({ id }) => server.figures(id)));
    const drops = figures.map((one) => one.frames_dropped);
    // What has grown meanwhile does not count for the streams that come now.
    stages.push({ count: WATCHED, samples: long });
    for (const count of COUNTS.filter((one) => one > WATCHED)) await reach(count);
    return rowsOf({ natives, parts, stages, long, drops });
  } finally {
    await Promise.all(streams.map((stream) => stream.end()));
  }
};

function* endless(units: readonly Uint8Array[]): Generator<Uint8Array> {
  for (;;) yield* units;
}

/** Memory of a process that has only loaded both native modules. */
async function nativeMemory(): Promise<number> {
  const script = join(import.meta.dir, "native-modules.ts");
  await using child = await startServing([process.execPath, script]);
  return memoryMb(child.pid).now;
}

/** Memory of server and engine with this many streams. */
interface Stage {
  readonly count: number;
  readonly samples: MemorySamples;
}

interface Watched {
  readonly natives: number;
  readonly parts: StreamParts;
  /** From the idle server on; the number of streams grows, or stays while they are watched. */
  readonly stages: readonly Stage[];
  readonly long: MemorySamples;
  /** Of each stream. */
  readonly drops: readonly number[];
}

function rowsOf({ natives, parts, stages, long, drops }: Watched): Measurement[] {
  const [idle, ...later] = stages;
  if (!idle) return [];
  const mb = { unit: "MB" };
  const grown = (side: "server" | "engine") =>
    (slope(long.at, long[side]) * HOUR_MS * 100) / median(long[side]);
  const watchedMs = (long.at.at(-1) ?? 0) - (long.at[0] ?? 0);
  // Over minutes, the scatter of readings hides the growth of an hour.
  const isJudged = watchedMs > 0.95 * HOUR_MS;
  const growth = {
    unit: "%/hour",
    ...(isJudged && { aim: { on: "value", sign: "≤", bound: 2 } as const }),
    note: `fitted to ${Math.round(watchedMs / 60_000)} minutes${isJudged ? "" : "; judged by runs of an hour only"}`,
  };
  return [
    { ...mb, case: "server idle", samples: [median(idle.samples.server)] },
    {
      ...mb,
      case: "engine idle",
      samples: [median(idle.samples.engine)],
      reference: { name: "node-av + onnxruntime loaded", samples: [natives] },
    },
    ...later.flatMap((stage, at) => furtherRows(stage, stages[at] ?? idle)),
    ...Object.entries(parts).map(([part, held]) => ({
      ...mb,
      case: `of a stream: ${part}`,
      samples: [held],
      note: "by itself, in a process of its own",
    })),
    { ...mb, case: `server with ${WATCHED} streams`, samples: [median(long.server)] },
    { ...mb, case: `engine with ${WATCHED} streams`, samples: [median(long.engine)] },
    { ...growth, case: "server growth", samples: [grown("server")] },
    { ...growth, case: "engine growth", samples: [grown("engine")] },
    { case: "frames dropped", unit: "frames", samples: [drops.reduce((sum, one) => sum + one, 0)] },
  ];
}

/** What each stream of a stage has added to the stage before. The first one brings the model along. */
function furtherRows({ count, samples }: Stage, before: Stage): Measurement[] {
  if (count === before.count) return [];
  const of = (added: number) => added / (count - before.count);
  const row = {
    unit: "MB",
    samples: [of(totalMemory(samples) - totalMemory(before.samples))],
  };
  if (count === 1) return [{ ...row, case: "first stream", note: "with the model" }];
  return [
    {
      ...row,
      case: `${count} streams: memory of a further stream`,
      aim: { on: "value", sign: "≤", bound: MOST_MB_A_STREAM },
      note: `compared with ${before.count}`,
      series: { name: "memory of a further stream", x: count },
    },
    {
      case: `${count} streams: the server's share of a further stream`,
      unit: "MB",
      samples: [of(median(samples.server) - median(before.samples.server))],
      note: "the last segments of its channels",
    },
  ];
}

/** Slope of the least-squares line through the points, per millisecond. */
function slope(at: readonly number[], values: readonly number[]): number {
  const mean = (list: readonly number[]) => list.reduce((sum, one) => sum + one, 0) / list.length;
  const [centre, level] = [mean(at), mean(values)];
  let product = 0;
  let square = 0;
  for (const [index, time] of at.entries()) {
    product += (time - centre) * ((values[index] ?? level) - level);
    square += (time - centre) ** 2;
  }
  return square === 0 ? 0 : product / square;
}
