/** Compares what a worker holds without a stream before and after the soak: what is left over is a leak. */
import { existsSync, readFileSync } from "node:fs";
import { type Census, census, difference } from "../faults/rig/census.ts";
import type { Worker } from "../faults/rig/worker.ts";
import { waitFor } from "../support/wait-for.ts";
import { MODELS, restyled } from "./changes.ts";
import type { UsageLine } from "./record.ts";
import type { Stage } from "./stage.ts";
import type { SoakStream } from "./streams/soak-stream.ts";

/** Nothing of a stream is left so long after its end. */
const EMPTIED_MS = 5000;
const END_MS = 15_000;
/** Idle connections that HTTP clients keep in their pools: those of orchestrators, and of this process. */
const POOLED = 8;

/**
 * Runs all streams once and uses every model, so that what a worker keeps on purpose, such as loaded models, is there from
 * the start. Returns what it holds after they have ended.
 */
export async function rehearse(stage: Stage): Promise<Census> {
  const { worker } = stage;
  const streams = await stage.startStreams();
  for (const change of [...MODELS.map((model) => ({ model })), restyled("gold")])
    for (const { name, id, input, change: apply } of streams) {
      if (input === null) continue;
      await apply(change);
      await waitFor(
        `${name} uses ${change.model}`,
        async () => (await worker.api.stream(id)).stats.model === change.model,
        END_MS,
      );
    }
  await stopAll(streams, worker);
  await Bun.sleep(EMPTIED_MS); // as long as at the end
  return await census(worker);
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
export async function emptied(worker: Worker, before: Census): Promise<Census> {
  const deadline = performance.now() + EMPTIED_MS;
  let now = await census(worker);
  while (leaksOf(before, now).length > 0 && performance.now() < deadline)
    now = await census(worker);
  return now;
}

/** In words; empty if nothing is left over. */
export function leaksOf(before: Census, after: Census): string[] {
  const connected = "server: sockets connected";
  return difference({ ...before, [connected]: (before[connected] ?? 0) + POOLED }, after);
}

/** The records of all streams, which are written after their ends; those that there are if one is missing. */
export async function usageOf(
  streams: readonly SoakStream[],
  lines: () => UsageLine[],
): Promise<UsageLine[]> {
  await waitFor("all usage records", () => lines().length >= streams.length).catch(() => {}); // judged later
  return lines();
}

/** The worker's usage records so far. */
export const usageLines = (path: string): UsageLine[] =>
  existsSync(path)
    ? readFileSync(path, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line))
    : [];
