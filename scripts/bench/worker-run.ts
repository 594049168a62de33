/** One run of a clip through a worker, in real time or as fast as it goes, watched from outside. */
import { accessUnits, CLIP_FPS, type Clip } from "./clip.ts";
import { openPacedPublisher } from "./paced-publisher.ts";
import { type TreeUsage, treeUsage } from "./process-tree.ts";
import type { ProductServer } from "./product-server.ts";
import { readChannel } from "./read-channel.ts";
import { TsArrivals } from "./ts-arrivals.ts";
import { openUnpacedPublisher } from "./unpaced-publisher.ts";
import type { VideoWorker } from "./video-worker.ts";
import type { FrameTimes } from "./worker-figures.ts";

const TICKS_PER_FRAME = 90_000 / CLIP_FPS;

export interface WorkerRun extends FrameTimes {
  /** Bytes that came out for a frame, with all of the container. */
  readonly frameBytes: number;
  /** CPU seconds while frames were sent, by the processes of which they are. */
  readonly cpu: {
    /** The process that works on frames, with its children. */
    readonly media: number;
    /** All of the worker, and the server of the channels: it takes the same bytes for every worker. */
    readonly total: number;
  };
  /** Of the worker at the end. */
  readonly memory: Pick<TreeUsage, "memoryMb" | "peakMb">;
}

export interface WorkerRunOptions {
  /** Has the channels. */
  readonly server: ProductServer;
  /** No other run has it. */
  readonly name: string;
  readonly pace: "real time" | "unpaced";
}

/** Plays the whole clip through a stream of its own. */
export async function playThrough(
  worker: VideoWorker,
  clip: Clip,
  { server, name, pace }: WorkerRunOptions,
): Promise<WorkerRun> {
  const [input, output] = [server.channel(`${name}-in`), server.channel(`${name}-out`)];
  const units = await accessUnits(clip);
  const arrivals = new TsArrivals();
  const stop = new AbortController();
  const publisher =
    pace === "unpaced"
      ? await openUnpacedPublisher(input, () => frameAt(arrivals.newestPts))
      : await openPacedPublisher(input);
  let end = async (): Promise<void> => {};
  let reading = Promise.resolve();
  try {
    end = await worker.start(input, output, clip);
    reading = readChannel(output, stop.signal, (chunk) => arrivals.push(chunk));
    reading.catch(() => {}); // thrown below
    const cpu = () => ({
      media: treeUsage(worker.mediaPid).cpuSeconds,
      total: treeUsage(worker.pid, server.pid).cpuSeconds,
    });
    const before = cpu();
    const sent = await publisher.play(units);
    const after = cpu();
    const used = { media: after.media - before.media, total: after.total - before.total };
    const memory = treeUsage(worker.pid);
    if (pace === "real time") await Bun.sleep(1000); // lets frames in flight arrive
    const byFrame = [...arrivals.byPts].map(([pts, arrival]) => [frameAt(pts), arrival] as const);
    const frameBytes = arrivals.bytes / byFrame.length;
    return { sent, arrivals: new Map(byFrame), frameBytes, cpu: used, memory };
  } finally {
    await publisher[Symbol.asyncDispose](); // first, because pytrickle stops well only after its input has ended
    await end();
    stop.abort();
    await reading;
  }
}

/** The number of the frame with this presentation time; -1 for none. */
const frameAt = (pts: number | null): number =>
  pts === null ? -1 : Math.round(pts / TICKS_PER_FRAME);
