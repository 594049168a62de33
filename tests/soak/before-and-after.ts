/** Compares what a worker holds without a stream before and after the soak: whatever there is more of is a leak. */
import { census, difference } from "../faults/rig/census.ts";
import type { Worker } from "../faults/rig/worker.ts";
import type { Counts } from "../support/process-holdings.ts";
import { waitFor } from "../support/wait-for.ts";
import { MODELS, restyled } from "./changes.ts";
import type { UsageLine } from "./record.ts";
import type { Stage } from "./stage.ts";
import type { SoakStream } from "./streams/soak-stream.ts";

/** Nothing of a stream is left so long after its end. */
const EMPTIED_MS = 5000;
const END_MS = 15_000;
/** Together longer than an orchestrator's heartbeats are apart. */
const IDLE_LOOKS = 5;
const IDLE_LOOK_MS = 2500;
/** Idle connections that HTTP clients keep in their pools: those of orchestrators, and of this process. */
const POOLED = 8;

/**
 * Runs all streams once and uses every model, so that what a worker keeps on purpose, such as loaded models, is there from
 * the start. Returns the most that it holds of everything after they have ended.
 */
export async function rehearse(stage: Stage): Promise<Counts> {
  const { worker } = stage;
  const streams = await stage.startStreams();
  await useEveryModel(streams, worker);
  await stopAll(streams, worker);
  const most: Record<string, number> = {};
  for (let look = 0; look < IDLE_LOOKS; look++) {
    await Bun.sleep(IDLE_LOOK_MS); // some requests and their timers come and go
    for (const [what, n] of Object.entries(await census(worker)))
      most[what] = Math.max(n, most[what] ?? 0);
  }
  return most;
}

/** Every stream with input uses one model after the other, so that its engine has loaded all of them. */
export async function useEveryModel(
  streams: readonly SoakStream[],
  { api }: Worker,
): Promise<void> {
  const withInput = streams.filter(({ input }) => input !== null);
  for (const change of [...MODELS.map((model) => ({ model })), restyled("gold")])
    for (const stream of withInput) {
      await stream.change({ paused: false, ...change });
      await waitFor(
        `${stream.name} uses ${change.model}`,
        async () => (await api.stream(stream.id)).stats.model === change.model,
        END_MS,
      );
    }
}

/** Resolves when the worker has no stream any more. */
export async function stopAll(streams: readonly SoakStream[], { api }: Worker): Promise<void> {
  for (const stream of streams) {
    await stream.stop();
    await stream[Symbol.asyncDispose]();
  }
  await waitFor("no live stream", async () => (await api.streams()).length === 0, END_MS);
}

/** What the worker holds once all that streams have held is gone, or after the time that it may take. */
export async function emptied(worker: Worker, before: Counts): Promise<Counts> {
  const deadline = performance.now() + EMPTIED_MS;
  let now = await census(worker);
  while (leaksOf(before, now).length > 0 && performance.now() < deadline)
    now = await census(worker);
  return now;
}

/** In words; empty if nothing is left over. */
export function leaksOf(before: Counts, after: Counts): string[] {
  const connected = "server: sockets connected";
  return difference({ ...before, [connected]: (before[connected] ?? 0) + POOLED }, after);
}

/**
 * The records of all streams, after the `earlier` ones; they are written after the streams' ends. Those that there are if one
 * is missing.
 */
export async function usageOf(
  streams: readonly SoakStream[],
  worker: Worker,
  earlier: number,
): Promise<readonly UsageLine[]> {
  const records = async () => (await worker.usageRecords()).slice(earlier);
  const isWhole = async () => (await records()).length >= streams.length;
  await waitFor("all usage records", isWhole).catch(() => {}); // judged later
  return await records();
}
