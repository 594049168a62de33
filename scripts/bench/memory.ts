/** Benchmark `memory`: memory of server and engine when idle, with streams, and after minutes of two real-time streams. */
import { join } from "node:path";
import type { Benchmark } from "./benchmark.ts";
import { accessUnits, ClipFolder } from "./clip.ts";
import { type FragmentTimes, readFragmentTimes } from "./fragment-times.ts";
import { openPacedPublisher } from "./paced-publisher.ts";
import { memoryMb, startServing } from "./processes.ts";
import { type ProductServer, startProduct } from "./product-server.ts";
import { type Measurement, median } from "./report.ts";

const STREAMS = 2;
const SAMPLE_MS = 1000;
const HOUR_MS = 3_600_000;

/** Resident memory in MB, sampled every second. */
interface Samples {
  readonly at: number[];
  readonly server: number[];
  readonly engine: number[];
}

export const memory: Benchmark = async ({ quick, minutes, log }) => {
  await using folder = await ClipFolder.create();
  const clip = folder.make(512, 512, quick ? 60 : 600);
  const units = await accessUnits(clip);
  const settleMs = quick ? 1000 : 15_000;
  const natives = await nativeMemory();
  await using server = await startProduct();
  const idle = await watch(server, settleMs);
  const stages: Samples[] = [];
  const streams: LiveStream[] = [];
  try {
    for (let count = 1; count <= STREAMS; count++) {
      streams.push(await openStream(server, units, count));
      stages.push(await watch(server, settleMs));
      log(`${count} streams`);
    }
    // Buffers, compiled code and pools reach their size first.
    await watch(server, quick ? 0 : Math.min(60_000, (minutes * 60_000) / 4));
    log(`watching for ${quick ? "2 s" : `${minutes} minutes`}`);
    const watched = await watch(server, quick ? 2000 : minutes * 60_000);
    const figures = await Promise.all(streams.map(({ id }) => server.figures(id)));
    const drops = figures.map((one) => one.frames_dropped);
    return rowsOf(natives, idle, stages, watched, drops);
  } finally {
    for (const stream of streams) await stream.end();
  }
};

interface LiveStream {
  readonly id: string;
  end(): Promise<void>;
}

/** A stream that loops a clip, with a reader of its output. */
async function openStream(
  server: ProductServer,
  units: readonly Uint8Array[],
  number: number,
): Promise<LiveStream> {
  const [input, output] = [server.channel(`in-${number}`), server.channel(`out-${number}`)];
  const stop = new AbortController();
  const publisher = await openPacedPublisher(input);
  const prompts = [{ prompt: "bench" }];
  const fields = { prompts, model: "identity", input_url: input, stream_url: output };
  const id = await server.startStream(fields);
  const times: FragmentTimes = new Map();
  const reading = readFragmentTimes(output, times, stop.signal);
  const playing = publisher.play(endless(units), stop.signal);
  return {
    id,
    async end() {
      await server.stopStream(id);
      stop.abort();
      await Promise.all([reading, playing]);
      await publisher[Symbol.asyncDispose]();
    },
  };
}

function* endless(units: readonly Uint8Array[]): Generator<Uint8Array> {
  for (;;) yield* units;
}

async function watch({ pid, enginePid }: ProductServer, forMs: number): Promise<Samples> {
  const samples: Samples = { at: [], server: [], engine: [] };
  const end = performance.now() + forMs;
  do {
    await Bun.sleep(Math.min(SAMPLE_MS, Math.max(0, end - performance.now())));
    samples.at.push(performance.now());
    samples.server.push(memoryMb(pid).now);
    samples.engine.push(memoryMb(enginePid).now);
  } while (performance.now() < end);
  return samples;
}

/** Memory of a process that has only loaded both native modules. */
async function nativeMemory(): Promise<number> {
  const script = join(import.meta.dir, "native-modules.ts");
  await using child = await startServing([process.execPath, script]);
  return memoryMb(child.pid).now;
}

function rowsOf(
  natives: number,
  idle: Samples,
  stages: readonly Samples[],
  watched: Samples,
  drops: readonly number[],
): Measurement[] {
  const mb = { unit: "MB" };
  const total = (samples: Samples) => median(samples.server) + median(samples.engine);
  const [one, two] = stages;
  const grown = (side: "server" | "engine") =>
    (slope(watched.at, watched[side]) * HOUR_MS * 100) / median(watched[side]);
  const growth = { unit: "%/hour", aim: { on: "value", sign: "≤", bound: 2 } } as const;
  const note = `fitted to ${Math.round(watched.at.length / 6) / 10} minutes`;
  return [
    { ...mb, case: "server idle", samples: [median(idle.server)] },
    {
      ...mb,
      case: "engine idle",
      samples: [median(idle.engine)],
      reference: { name: "node-av + onnxruntime loaded", samples: [natives] },
    },
    ...(one
      ? [
          {
            ...mb,
            case: "first stream",
            samples: [total(one) - total(idle)],
            note: "with the model",
          },
        ]
      : []),
    ...(one && two
      ? [
          {
            ...mb,
            case: "second stream",
            samples: [total(two) - total(one)],
            aim: { on: "value", sign: "≤", bound: 40 } as const,
          },
        ]
      : []),
    { ...mb, case: `server with ${STREAMS} streams`, samples: [median(watched.server)] },
    { ...mb, case: `engine with ${STREAMS} streams`, samples: [median(watched.engine)] },
    { ...growth, case: "server growth", samples: [grown("server")], note },
    { ...growth, case: "engine growth", samples: [grown("engine")], note },
    { case: "frames dropped", unit: "frames", samples: [drops.reduce((sum, one) => sum + one, 0)] },
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
