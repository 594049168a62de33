/** Benchmark `streams`: N paced 512² streams through one server and engine, for growing N, against what a bare loop would allow. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Benchmark } from "./benchmark.ts";
import { CLIP_FPS, ClipFolder } from "./clip.ts";
import type { PipelineRun } from "./pipeline-run.ts";
import { runScript } from "./processes.ts";
import { startProduct } from "./product-server.ts";
import { isOverloaded, nextCount, streamsRows } from "./streams-rows.ts";
import { runStreams, type StreamsRun } from "./streams-run.ts";

/** Each stream needs a channel for its input and one for its output, and the embedded trickle server has 128. */
const MOST_STREAMS = 64;

export const streams: Benchmark = async ({ quick, log }) => {
  await using folder = await ClipFolder.create();
  const warmUpFrames = (quick ? 1 : 5) * CLIP_FPS;
  const made = folder.make(512, 512, warmUpFrames + (quick ? 1 : 10) * CLIP_FPS);
  const clip = await folder.describe(made);
  const mostTried = quick ? 2 : MOST_STREAMS;
  const runs = new Map<number, StreamsRun[]>();
  const loopCpu: number[] = [];
  /** Returns whether too many frames were dropped. */
  const run = async (count: number): Promise<boolean> => {
    log(`${count} streams`);
    await using server = await startProduct(["--max-streams", String(MOST_STREAMS)]);
    const { url, pid, enginePid } = server;
    const one = await runStreams({ url, pid, enginePid, clip, streams: count, warmUpFrames });
    runs.set(count, [...(runs.get(count) ?? []), one]);
    return isOverloaded([one]);
  };
  const runLoop = async (): Promise<void> => {
    const script = join(import.meta.dir, "pipeline-run.ts");
    const { output } = await runScript<PipelineRun>(script, ["loop", clip]);
    loopCpu.push(output.cpuSeconds / output.frames);
  };
  await runLoop();
  for (let count = 1; count <= mostTried; count = nextCount(count)) {
    // The second run tells a machine that is full from one that was busy for a moment.
    if ((await run(count)) && (await run(count))) break;
  }
  // The same numbers again, from the other end: what grows by itself in time does not look as if it grew with N.
  const counts = [...runs.keys()];
  for (const inTurn of quick ? [] : [counts.toReversed(), counts]) {
    await runLoop();
    for (const count of inTurn) await run(count);
  }
  return streamsRows(runs, { cores: availableParallelism(), loopCpu });
};
