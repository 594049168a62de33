/** Samples the resident memory of a server and its engine. */
import { memoryMb } from "./processes.ts";
import type { ProductServer } from "./product-server.ts";
import { median } from "./report.ts";

const SAMPLE_MS = 1000;

/** Process ids of a server and its engine. */
export type ProductProcesses = Pick<ProductServer, "pid" | "enginePid">;

/** Resident memory in MB, sampled every second. */
export interface MemorySamples {
  readonly at: readonly number[];
  readonly server: readonly number[];
  readonly engine: readonly number[];
}

/** Samples every second for `forMs`, and at its end. */
export async function sampleMemory(
  { pid, enginePid }: ProductProcesses,
  forMs: number,
): Promise<MemorySamples> {
  const samples = { at: [] as number[], server: [] as number[], engine: [] as number[] };
  const end = performance.now() + forMs;
  do {
    await Bun.sleep(Math.min(SAMPLE_MS, Math.max(0, Math.ceil(end - performance.now()))));
    samples.at.push(performance.now());
    samples.server.push(memoryMb(pid).now);
    samples.engine.push(memoryMb(enginePid).now);
  } while (performance.now() < end);
  return samples;
}

/** Of both processes together, in MB. */
export const totalMemory = ({ server, engine }: MemorySamples): number =>
  median(server) + median(engine);
