/** Benchmark `latency`: 30 fps 512² through the real server and engine over loopback, measured from outside, frame by frame. */
import { join } from "node:path";
import { subscribe } from "../../src/trickle/subscriber.ts";
import type { Benchmark } from "./benchmark.ts";
import { accessUnits, CLIP_FPS, type Clip, ClipFolder } from "./clip.ts";
import { type FragmentTimes, readFragmentTimes } from "./fragment-times.ts";
import { openPacedPublisher } from "./paced-publisher.ts";
import type { PipelineRun } from "./pipeline-run.ts";
import { cpuSeconds, memoryMb, runScript } from "./processes.ts";
import { type ProductServer, type StreamFigures, startProduct } from "./product-server.ts";
import { type Measurement, median, quantile } from "./report.ts";

const MODELS = ["identity", "edges"] as const;
/** While a model loads, frames pass it by. */
const WARM_UP_FRAMES = 45; // 1.5 s
const FLOOR_FRAMES = 150;
const TICKS_PER_FRAME = 90_000 / CLIP_FPS;
const FRAME_MS = 1000 / CLIP_FPS;

/** One stream of the clip's length. */
interface StreamRun {
  /** Of every frame that came out, warm-up left out. */
  readonly latencyMs: readonly number[];
  readonly lost: number;
  readonly figures: StreamFigures;
  readonly serverCpu: number;
  readonly engineCpu: number;
}

export const latency: Benchmark = async ({ quick, log }) => {
  await using folder = await ClipFolder.create();
  const clip = folder.make(512, 512, quick ? 75 : 600);
  const rounds = quick ? 1 : 3;
  const native = await nativeMs(clip);
  await using server = await startProduct();
  const floors: number[][] = [];
  const runs: Record<string, StreamRun[]> = {};
  for (let round = 1; round <= rounds; round++) {
    log(`round ${round} of ${rounds}`);
    floors.push(await noiseFloor(clip, server, `floor-${round}`));
    for (const model of quick ? MODELS.slice(0, 1) : MODELS) {
      runs[model] = [...(runs[model] ?? []), await stream(clip, server, model, round)];
    }
  }
  const at = (share: number) => floors.map((floor) => quantile(floor, share));
  const floor = [0.5, 0.95, 0.99].map((share) => ({
    case: `control: publisher to subscriber p${share * 100}`,
    unit: "ms",
    samples: at(share),
  }));
  const memory = [
    { case: "server peak memory", unit: "MB", samples: [memoryMb(server.pid).peak] },
    { case: "engine peak memory", unit: "MB", samples: [memoryMb(server.enginePid).peak] },
  ];
  const perModel = Object.entries(runs).flatMap(([model, of]) => rowsOf(model, of, native));
  return [...perModel, ...floor, ...memory];
};

/** Decode and encode of one frame as the bare loop measures them. */
async function nativeMs(clip: Clip): Promise<number> {
  const description = `${clip.path}.json`;
  await Bun.write(description, JSON.stringify(clip));
  const script = join(import.meta.dir, "pipeline-run.ts");
  const { output } = await runScript<PipelineRun>(script, ["loop", description]);
  return (output.stepMs["decode"] ?? Number.NaN) + (output.stepMs["encode"] ?? Number.NaN);
}

async function stream(
  clip: Clip,
  server: ProductServer,
  model: string,
  round: number,
): Promise<StreamRun> {
  const [input, output] = [`in-${model}-${round}`, `out-${model}-${round}`].map(server.channel);
  if (!input || !output) throw new Error("unreachable");
  const units = await accessUnits(clip);
  await using publisher = await openPacedPublisher(input);
  const id = await server.startStream({
    prompts: [{ prompt: "bench" }],
    model,
    input_url: input,
    stream_url: output,
  });
  const times: FragmentTimes = new Map();
  const stop = new AbortController();
  const reading = readFragmentTimes(output, times, stop.signal);
  const cpu = () => [server.pid, server.enginePid].map(cpuSeconds);
  const before = cpu();
  const sent = await publisher.play(units);
  const after = cpu();
  await Bun.sleep(1000); // what is under way arrives
  const figures = await server.figures(id);
  await server.stopStream(id);
  stop.abort();
  await reading;
  const seconds = clip.ends.length / CLIP_FPS;
  const [serverCpu = 0, engineCpu = 0] = after.map(
    (end, at) => (end - (before[at] ?? 0)) / seconds,
  );
  // The last frame's end is only known when its segment ends.
  const measured = sent.slice(WARM_UP_FRAMES, -1);
  const latencies = measured.map((begun, at) => {
    const received = times.get((WARM_UP_FRAMES + at) * TICKS_PER_FRAME);
    return received === undefined ? null : received - begun;
  });
  const latencyMs = latencies.filter((ms) => ms !== null);
  return { latencyMs, lost: latencies.length - latencyMs.length, figures, serverCpu, engineCpu };
}

/** The same bytes at the same pace through the same server, and no engine. */
async function noiseFloor(clip: Clip, server: ProductServer, name: string): Promise<number[]> {
  const url = server.channel(name);
  const units = await accessUnits(clip);
  await using publisher = await openPacedPublisher(url);
  const stop = new AbortController();
  const received: number[] = [];
  const read = async (): Promise<void> => {
    let bytes = 0;
    for await (const { data, arrivedAt } of subscribe({ url }, { signal: stop.signal, start: 0 })) {
      bytes += data.length;
      while ((clip.ends[received.length] ?? Number.POSITIVE_INFINITY) <= bytes) {
        received.push(arrivedAt);
      }
    }
  };
  const reading = read().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  const sent = await publisher.play(units.slice(0, FLOOR_FRAMES));
  await Bun.sleep(200);
  stop.abort();
  await reading;
  return received.map((at, frame) => at - (sent[frame] ?? Number.NaN));
}

function rowsOf(model: string, runs: readonly StreamRun[], native: number): Measurement[] {
  const at = (share: number) => runs.map(({ latencyMs }) => quantile(latencyMs, share));
  const modelMs = runs.map(({ figures }) => figures.inference_ms.p50);
  const own = median(modelMs);
  const limit = { name: "model + decode + encode", samples: modelMs.map((ms) => ms + native) };
  const pytrickle = { name: "pytrickle, no-op processor", samples: [] };
  const atMost = (bound: number) => ({ on: "value", sign: "≤", bound }) as const;
  const row = { unit: "ms" };
  const cpuRow = { unit: "CPU s/s" };
  return [
    { ...row, case: `${model} p50`, samples: at(0.5), reference: limit, aim: atMost(own + 15) },
    { ...row, case: `${model} p95`, samples: at(0.95), reference: limit },
    {
      ...row,
      case: `${model} p99`,
      samples: at(0.99),
      reference: limit,
      aim: atMost(own + FRAME_MS),
    },
    {
      ...row,
      case: `${model} p50 against the peer`,
      samples: at(0.5),
      reference: pytrickle,
      aim: { on: "ratio", sign: "≤", bound: 0.25 },
      note: "pytrickle is not installed: it wants a PyTorch of its own",
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
      note: `of ${runs[0]?.latencyMs.length ?? 0} measured in a run`,
    },
    { ...cpuRow, case: `${model}: engine CPU`, samples: runs.map((run) => run.engineCpu) },
    { ...cpuRow, case: `${model}: server CPU`, samples: runs.map((run) => run.serverCpu) },
  ];
}
