/** Measures the memory of a worker's server and engines from time to time, each after a garbage collection. */
import { processCensus } from "../faults/rig/census.ts";
import type { Worker } from "../faults/rig/worker.ts";
import { memoryOf } from "../support/process-memory.ts";
import type { Sample } from "./growth.ts";
import type { MemoryRecord } from "./record.ts";

/** Time for the allocator to give back what a collection has freed. */
const RETURN_MS = 500;
/** An engine loads its programs first. */
const ENGINE_WARM_UP_S = 60;

export class MemoryWatch {
  readonly #worker: Worker;
  readonly #server: Sample[] = [];
  readonly #engines = new Map<number, { readonly since: number; readonly samples: Sample[] }>();

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
      const { since, samples } = this.#engines.get(pid) ?? { since: at, samples: [] };
      this.#engines.set(pid, { since, samples });
      if (at - since >= ENGINE_WARM_UP_S) samples.push({ at, value: memoryOf(pid).anonymous });
    }
  }

  /** The server's samples from `warmUpS` on, and all of engines that have warmed up. */
  record(warmUpS: number): MemoryRecord[] {
    const server = this.#server.filter(({ at }) => at >= warmUpS);
    const engines = [...this.#engines].map(([pid, { samples }]) => ({
      ...{ process: "engine" as const, pid, samples },
    }));
    return [{ process: "server", pid: this.#worker.pid, samples: server }, ...engines];
  }
}
