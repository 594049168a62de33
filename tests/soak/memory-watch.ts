/** Measures the memory of a worker's server and engines from time to time, each after a garbage collection and at rest. */
import { join } from "node:path";
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
  readonly #samples = new Map<number, Sample[]>();
  readonly #heaps = new Map<number, Sample[]>();

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
    for (const pid of [server, ...engines]) {
      const add = (samples: Map<number, Sample[]>, value: number) =>
        samples.set(pid, [...(samples.get(pid) ?? []), { at, value }]);
      add(this.#samples, least.get(pid) ?? Number.NaN);
      add(this.#heaps, await heapMib(pid, censuses));
    }
  }

  /** Samples of the server from one time on and of engines from another, in seconds; of those that lived on. */
  record({ server, engines }: { server: number; engines: number }): MemoryRecord[] {
    const { pid: serverPid } = this.#worker;
    const from = (samples: readonly Sample[] = [], start: number) =>
      samples.filter(({ at }) => at >= start);
    const all = [...this.#samples].map(([pid, samples]): MemoryRecord => {
      const start = pid === serverPid ? server : engines;
      return {
        process: pid === serverPid ? "server" : "engine",
        pid,
        samples: from(samples, start),
        heap: from(this.#heaps.get(pid), start),
      };
    });
    return all.filter(({ process, samples }) => process === "server" || samples.length > 0);
  }
}

/** What the process's last census says of its heap, and of what its objects hold outside it. */
async function heapMib(pid: number, censuses: string): Promise<number> {
  const { bytes } = await Bun.file(join(censuses, `${pid}.heap.json`)).json();
  return bytes / 2 ** 20;
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
