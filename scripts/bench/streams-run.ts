/**
 * Child process of benchmark `streams`: feeds and reads N paced streams of a running server, and measures the server and
 * its engine meanwhile. `bun streams-run.ts <job as JSON>`
 */
import { accessUnits, CLIP_FPS, type Clip } from "./clip.ts";
import { type FedStream, openFedStream } from "./fed-stream.ts";
import { type MemorySamples, type ProductProcesses, sampleMemory } from "./memory-samples.ts";
import { cpuSeconds, runScript } from "./processes.ts";
import { type ProductApi, productAt, type StreamFigures } from "./product-server.ts";

export interface StreamsJob extends ProductProcesses {
  /** Of the server. */
  readonly url: string;
  /** A file that describes the clip, as `ClipFolder.describe` writes it: what is not warm-up is measured. */
  readonly clip: string;
  readonly streams: number;
  /** Frames of each stream before measuring starts: whole segments. */
  readonly warmUpFrames: number;
}

/** What was measured. CPU is in seconds for each second of one stream. */
export interface StreamsRun {
  readonly streams: number;
  /** Frames of all streams together: written by the feeders, seen by the engine, and published. */
  readonly frames: { readonly sent: number; readonly in: number; readonly out: number };
  readonly serverCpu: number;
  readonly engineCpu: number;
  /** Of this process: publishers and readers. */
  readonly feederCpu: number;
  /** Milliseconds by which the last frame of the slowest feeder was late. */
  readonly lateMs: number;
  /** Percentiles of latency in milliseconds, one value a stream: its own, over at most its last 300 frames. */
  readonly p50: readonly number[];
  readonly p95: readonly number[];
  readonly memory: MemorySamples;
}

/** Streams begin one after the other within this time, so that neither their frames nor their segments coincide. */
const SPREAD_MS = 1000;
/** An engine reports the figures of its streams once a second, or a little later. */
const REPORT_MS = 1200;
const POLL_MS = 100;
const SETTLE_MS = 10_000;

/** Runs a job in a process of its own. */
export async function runStreams(job: StreamsJob): Promise<StreamsRun> {
  return (await runScript<StreamsRun>(import.meta.path, [JSON.stringify(job)])).output;
}

async function measure(job: StreamsJob): Promise<StreamsRun> {
  const api = productAt(job.url);
  const clip = (await Bun.file(job.clip).json()) as Clip;
  const units = await accessUnits(clip);
  const measured = units.slice(job.warmUpFrames);
  const streams: FedStream[] = [];
  try {
    for (let n = 0; n < job.streams; n++) streams.push(await openFedStream(api, n));
    const ids = streams.map(({ id }) => id);
    await play(streams, units.slice(0, job.warmUpFrames));
    const before = framesOf(await settled(api, ids));
    const seconds = measured.length / CLIP_FPS;
    const cpu = () => [job.pid, job.enginePid, process.pid].map(cpuSeconds);
    const begun = cpu();
    const [lateMs, memory] = await Promise.all([
      play(streams, measured),
      sampleMemory(job, seconds * 1000),
    ]);
    const used = cpu().map((end, at) => (end - (begun[at] ?? 0)) / (seconds * job.streams));
    const figures = await settled(api, ids);
    const after = framesOf(figures);
    const [serverCpu = 0, engineCpu = 0, feederCpu = 0] = used;
    const sent = measured.length * job.streams;
    return {
      streams: job.streams,
      frames: { sent, in: after.in - before.in, out: after.out - before.out },
      serverCpu,
      engineCpu,
      feederCpu,
      lateMs,
      p50: figures.map(({ latency_ms }) => latency_ms.p50),
      p95: figures.map(({ latency_ms }) => latency_ms.p95),
      memory,
    };
  } finally {
    await Promise.all(streams.map((stream) => stream.end()));
  }
}

/** Plays in all streams; returns how late the slowest was. */
async function play(streams: readonly FedStream[], units: readonly Uint8Array[]): Promise<number> {
  const late = streams.map(async (stream, n) => {
    await Bun.sleep((SPREAD_MS * n) / streams.length);
    const sent = await stream.play(units);
    const [first = 0, last = 0] = [sent[0], sent.at(-1)];
    return Math.max(0, last - first - ((units.length - 1) * 1000) / CLIP_FPS);
  });
  return Math.max(...(await Promise.all(late)));
}

/** The figures once they no longer change. Throws if that takes too long. */
async function settled(api: ProductApi, ids: readonly string[]): Promise<StreamFigures[]> {
  const begun = performance.now();
  let changedAt = begun;
  let last = Number.NaN;
  while (performance.now() - begun < SETTLE_MS) {
    const figures = await Promise.all(ids.map((id) => api.figures(id)));
    const { in: arrived, out } = framesOf(figures);
    if (arrived + out !== last) changedAt = performance.now();
    else if (performance.now() - changedAt > REPORT_MS) return figures;
    last = arrived + out;
    await Bun.sleep(POLL_MS);
  }
  throw new Error(`frames still come ${SETTLE_MS / 1000} s after the last was sent`);
}

function framesOf(figures: readonly StreamFigures[]) {
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  return {
    in: sum(figures.map((one) => one.frames_in)),
    out: sum(figures.map((one) => one.frames_out)),
  };
}

if (import.meta.main) {
  const job = JSON.parse(process.argv[2] ?? "") as StreamsJob;
  process.stdout.write(JSON.stringify(await measure(job)));
  process.exit(0);
}
