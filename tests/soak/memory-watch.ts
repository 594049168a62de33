/** Measures the memory of a worker's server and engines from time to time, each after a garbage collection. */
import { processCensus } from "../faults/rig/census.ts";
import type { Worker } from "../faults/rig/worker.ts";
import { memoryOf } from "../support/process-memory.ts";
import type { Sample } from "./growth.ts";
import type { MemoryRecord } from "./record.ts";

/** Time for the allocator to give back what a collection has freed. */
const RETURN_MS = 500;

export class MemoryWatch {
  readonly #worker: Worker;
  readonly #server: Sample[] = [];
  readonly #engines = new Map<number, Sample[]>();

  constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** Call while no fault is active. `at`: seconds since the start of the run. */
  async sample(at: number): Promise<void> {
    const { pid: server, censuses } = this.#worker;
    const engines = (await this.#worker.engines()).flatMap(({ pid, state }) =>
      state === "ready" && pid !== null ? [pid] : [],
    );
    const processes = [server, ...engines].map((pid) => ({ role: "worker", pid }));
    await processCensus(processes, censuses); // each collects its garbage to answer
    await Bun.sleep(RETURN_MS);
    this.#server.push({ at, value: memoryOf(server).anonymous });
    for (const pid of engines) {
      const samples = this.#engines.get(pid) ?? [];
      this.#engines.set(pid, [...samples, { at, value: memoryOf(pid).anonymous }]);
    }
  }

  /** Samples of the server from one time on and of engines from another, in seconds; of those that lived on. */
  record({ server, engines }: { server: number; engines: number }): MemoryRecord[] {
    const from = (samples: readonly Sample[], start: number) =>
      samples.filter(({ at }) => at >= start);
    const all = [...this.#engines].map(([pid, samples]) => ({
      ...{ process: "engine" as const, pid, samples: from(samples, engines) },
    }));
    return [
      { process: "server", pid: this.#worker.pid, samples: from(this.#server, server) },
      ...all.filter(({ samples }) => samples.length > 0),
    ];
  }
}
