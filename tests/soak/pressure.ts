/** Measures how short of cores this machine is: a strike on a machine that is starved says nothing of the worker. */
import { readFileSync } from "node:fs";

/** Measures from the moment at which it is made. */
export class CorePressure {
  readonly #from = performance.now();
  readonly #waited = waitedMs();

  /** Share of the time in which some process waited for a core, from 0 to 1; null where the kernel does not measure it. */
  get share(): number | null {
    const waited = waitedMs();
    if (waited === null || this.#waited === null) return null;
    return Math.min(1, (waited - this.#waited) / Math.max(1, performance.now() - this.#from));
  }
}

/** Milliseconds since the boot in which some process waited. */
function waitedMs(): number | null {
  try {
    const text = readFileSync("/proc/pressure/cpu", "utf8");
    return Number(/^some .*total=(\d+)/m.exec(text)?.[1]) / 1000;
  } catch {
    return null; // the kernel was built or started without it
  }
}
