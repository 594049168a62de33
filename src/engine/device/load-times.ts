/** Estimates how long models take to load on this engine: from their last load, or else from their size. */
import type { UsableModel } from "../models/catalogue-entry.ts";

/** A load in progress. */
export interface LoadProgress {
  /** `performance.now()` at which it began. */
  readonly since: number;
  /** Estimated duration; null if there is no estimate. */
  readonly expectedMs: number | null;
}

/** The load time of smaller models is dominated by the thread and the first run, which do not depend on size. */
const LARGE_BYTES = 8 * 1024 * 1024;
/** Reading, optimizing and one run on a CPU take 30 ms per MiB, until this engine has measured a load of its own. */
const MS_PER_BYTE = 30 / (1024 * 1024);

type Sized = Pick<UsableModel, "name" | "bytes">;

export class LoadTimes {
  readonly #sizeTells: boolean;
  readonly #last = new Map<string, number>();
  #msPerByte = MS_PER_BYTE;

  /** TensorRT builds an engine file first, whose time does not follow from the size. */
  constructor(device: string) {
    this.#sizeTells = !device.startsWith("tensorrt");
  }

  /** Returns milliseconds, or null if there is nothing to estimate from. */
  expected({ name, bytes }: Sized): number | null {
    const known = this.#last.get(name);
    if (known !== undefined) return known;
    return this.#sizeTells && bytes >= LARGE_BYTES ? bytes * this.#msPerByte : null;
  }

  /** Records how long a load took. */
  learn({ name, bytes }: Sized, ms: number): void {
    this.#last.set(name, ms);
    if (bytes >= LARGE_BYTES) this.#msPerByte = ms / bytes;
  }
}
