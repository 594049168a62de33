/** How long models take to load on this engine: remembered by name, estimated by size where nothing is known. */
import type { UsableModel } from "../models/model-folder.ts";

/** A load under way. */
export interface LoadProgress {
  /** `performance.now()` at which it began. */
  readonly since: number;
  /** How long it is thought to take; null where nobody knows. */
  readonly expectedMs: number | null;
}

/** Below this a load's time is that of its thread and its first run, which size does not tell. */
const LARGE_BYTES = 8 * 1024 * 1024;
/** Reading, optimising and one run on a CPU, until a load on this engine says better: 30 ms a MiB. */
const MS_PER_BYTE = 30 / (1024 * 1024);

type Sized = Pick<UsableModel, "name" | "graph">;

export class LoadTimes {
  readonly #sizeTells: boolean;
  readonly #last = new Map<string, number>();
  #msPerByte = MS_PER_BYTE;

  /** TensorRT builds an engine first, which takes as long as it takes: there size tells nothing. */
  constructor(device: string) {
    this.#sizeTells = !device.startsWith("tensorrt");
  }

  /** Milliseconds; null where there is nothing to go by. */
  expected({ name, graph }: Sized): number | null {
    const known = this.#last.get(name);
    if (known !== undefined) return known;
    const bytes = sizeOf(graph);
    return this.#sizeTells && bytes >= LARGE_BYTES ? bytes * this.#msPerByte : null;
  }

  /** A load is over that took this long. */
  learn({ name, graph }: Sized, ms: number): void {
    this.#last.set(name, ms);
    const bytes = sizeOf(graph);
    if (bytes >= LARGE_BYTES) this.#msPerByte = ms / bytes;
  }
}

const sizeOf = (graph: UsableModel["graph"]): number =>
  "path" in graph ? Bun.file(graph.path).size : graph.bytes.length;
