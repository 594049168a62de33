/**
 * Child process of benchmark `trickle`: publishes to and subscribes to N channels of a running server, and measures latency
 * and what the server takes. `bun trickle-load.ts <job as JSON>`
 */
import { WorkerError } from "../../src/errors.ts";
import { Arrivals, numberedChunks } from "./arrivals.ts";
import { CLIP_FPS } from "./clip.ts";
import { cpuSeconds, memoryMb, runScript } from "./processes.ts";
import { quantile } from "./report.ts";
import { type Link, openRawLink, openTrickleLink } from "./trickle-links.ts";

export interface TrickleJob {
  readonly over: "trickle" | "sockets";
  /** Channels are below it. */
  readonly base: string;
  /** Process id of the server. */
  readonly pid: number;
  readonly channels: number;
  /** All channels have begun after half of this time; what is sent in it is not measured. */
  readonly warmUpSeconds: number;
  /** Duration of what is measured. */
  readonly seconds: number;
}

/** `failed`: the server did not take so many channels, or lost one. */
export type TrickleRun =
  | { readonly kind: "failed"; readonly why: string }
  | ({ readonly kind: "measured" } & TrickleFigures);

export interface TrickleFigures {
  readonly sent: number;
  readonly lost: number;
  /** Milliseconds from just before a chunk was written until its last byte was read. */
  readonly p50: number;
  readonly p99: number;
  /** CPU seconds a second of the server, and of this process with its publishers and subscribers. */
  readonly serverCpu: number;
  readonly loadCpu: number;
  /** Resident memory of the server in the end. */
  readonly memoryMb: number;
}

/** What was written last arrives within this time, or counts as lost. */
const LAST_MS = 1000;
const POLL_MS = 20;

/** Runs a job in a process of its own. */
export async function runTrickle(job: TrickleJob): Promise<TrickleRun> {
  return (await runScript<TrickleRun>(import.meta.path, [JSON.stringify(job)])).output;
}

interface Channel {
  readonly link: Link;
  readonly arrivals: Arrivals;
}

async function measure(job: TrickleJob): Promise<TrickleRun> {
  await using opened = new AsyncDisposableStack();
  const channels: Channel[] = [];
  const open = job.over === "trickle" ? openTrickleLink : openRawLink;
  try {
    for (let n = 0; n < job.channels; n++) {
      const arrivals = new Arrivals();
      channels.push({ arrivals, link: opened.use(await open(job.base, n, arrivals)) });
    }
    return await play(channels, job);
  } catch (error) {
    if (error instanceof WorkerError) return { kind: "failed", why: error.message };
    throw error;
  }
}

async function play(channels: readonly Channel[], job: TrickleJob): Promise<TrickleRun> {
  const chunks = numberedChunks(job.warmUpSeconds + job.seconds);
  // Settled, since a channel may be lost before it is awaited.
  const playing = Promise.allSettled(
    channels.map(async ({ link }, n) => {
      // One after the other, so that neither their chunks nor their segments coincide.
      await Bun.sleep((job.warmUpSeconds * 500 * n) / channels.length);
      return await link.play(chunks);
    }),
  );
  await Bun.sleep(job.warmUpSeconds * 1000);
  const cpu = () => [job.pid, process.pid].map(cpuSeconds);
  const [from, begun] = [performance.now(), cpu()];
  await Bun.sleep(job.seconds * 1000);
  const seconds = (performance.now() - from) / 1000;
  const [serverCpu = 0, loadCpu = 0] = cpu().map((end, at) => (end - (begun[at] ?? 0)) / seconds);
  const sent = (await playing).map((played) => {
    if (played.status === "rejected") throw played.reason;
    return played.value;
  });
  const deadline = performance.now() + LAST_MS;
  const isMissing = () => channels.some(({ arrivals }) => arrivals.at.size < chunks.length);
  while (isMissing() && performance.now() < deadline) await Bun.sleep(POLL_MS);
  const latencies: number[] = [];
  let measured = 0;
  for (const [n, { arrivals }] of channels.entries()) {
    for (const [number, at] of (sent[n] ?? []).entries()) {
      if (number < job.warmUpSeconds * CLIP_FPS) continue;
      measured++;
      const arrived = arrivals.at.get(number);
      if (arrived !== undefined) latencies.push(arrived - at);
    }
  }
  if (latencies.length === 0) return { kind: "failed", why: `none of ${measured} chunks arrived` };
  return {
    kind: "measured",
    sent: measured,
    lost: measured - latencies.length,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    serverCpu,
    loadCpu,
    memoryMb: memoryMb(job.pid).now,
  };
}

if (import.meta.main) {
  const job = JSON.parse(process.argv[2] ?? "") as TrickleJob;
  process.stdout.write(JSON.stringify(await measure(job)));
  process.exit(0);
}
