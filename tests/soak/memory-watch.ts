/** Measures the memory of a worker's server and engines from time to time, each after a garbage collection and at rest. */
import { processCensus } from "../faults/rig/census.ts";
import type { Worker } from "../faults/rig/worker.ts";
import { memoryOf } from "../support/process-memory.ts";
import type { Sample } from "./growth.ts";
import type { MemoryRecord } from "./record.ts";

/** In this time segments made with earlier parameters leave the channels. */
const REST_MS = 6000;
/** Model threads collect garbage at times of their own: the smallest of these readings has the least of it. */
export const READINGS = 6;
const READING_MS = 500;

export class MemoryWatch {
  readonly #worker: Worker;
  readonly #server: Sample[] = [];
  readonly #engines = new Map<number, Sample[]>();

  constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** Call while no fault is active and all streams are `atRest`. `at`: seconds since the start of the run. */
  async sample(at: number): Promise<void> {
    await Bun.sleep(REST_MS); // so that only the parameters of now count
    const { pid: server, censuses } = this.#worker;
    const engines = (await this.#worker.engines()).flatMap(({ pid, state }) =>
      state === "ready" && pid !== null ? [pid] : [],
    );
    const processes = [server, ...engines].map((pid) => ({ role: "worker", pid }));
    await processCensus(processes, censuses); // each collects its garbage to answer
    const least = await leastMemory([server, ...engines]);
    const sampleOf = (pid: number): Sample => ({ at, value: least.get(pid) ?? Number.NaN });
    this.#server.push(sampleOf(server));
    for (const pid of engines)
      this.#engines.set(pid, [...(this.#engines.get(pid) ?? []), sampleOf(pid)]);
  }

  /** Samples of the server from one time on and of engines from another, in seconds; of those that lived on. */
  record({ server, engines }: { server: number; engines: number }): MemoryRecord[] {
    const from = (samples: readonly Sample[], start: number) =>
      samples.filter(({ at }) => at >= start);
    const all = [...this.#engines].map(([pid, samples]) => ({
      process: "engine" as const,
      pid,
      samples: from(samples, engines),
    }));
    return [
      { process: "server", pid: this.#worker.pid, samples: from(this.#server, server) },
      ...all.filter(({ samples }) => samples.length > 0),
    ];
  }
}

/** The least anonymous memory of each process, in MiB, in some seconds. */
async function leastMemory(pids: readonly number[]): Promise<ReadonlyMap<number, number>> {
  const least = new Map<number, number>();
  for (let reading = 0; reading < READINGS; reading++) {
    await Bun.sleep(READING_MS); // allocators give back what a collection has freed, and threads collect
    for (const pid of pids)
      least.set(pid, Math.min(memoryOf(pid).anonymous, least.get(pid) ?? Number.POSITIVE_INFINITY));
  }
  return least;
}
