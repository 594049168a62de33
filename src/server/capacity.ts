/** The capacity that a server can offer to orchestrators: that of the devices which work, and the part in use. */
import type { Admission } from "./admission.ts";
import { defaultMaxStreams } from "./engines/devices.ts";
import type { EngineScheduler } from "./engines/scheduler.ts";

/** What a registration follows, in streams and jobs. */
export interface Capacity {
  /** What can be served now; 0 while nothing can. */
  readonly total: number;
  /** In use, whoever uses it. More than `total` where devices failed under work. */
  readonly used: number;
  /** Settles when `total` may have changed. */
  readonly changed: Promise<void>;
  /** Settles the next time that nothing is in use any more. */
  readonly emptied: Promise<void>;
}

/** Keeps a product such as 3 × ⅓ from falling below its integer. */
const ROUNDING = 1e-6;

/** The part of `full` that a share of the devices can serve: at least 1 while any works, 0 while none does. */
export const capacityAt = (full: number, share: number): number =>
  share <= 0 ? 0 : Math.max(1, Math.floor(full * Math.min(1, share) + ROUNDING));

export interface ServedCapacity {
  readonly engines: Pick<EngineScheduler, "workingDevices" | "changed">;
  /** The devices that the settings name, or that were found. Each weighs as many streams as it takes by default. */
  readonly devices: readonly string[];
  readonly admission: Pick<Admission, "capacity" | "taken" | "emptied">;
  /** The capacity with all devices: CAPABILITY_CAPACITY, or all places of `admission`. */
  readonly full: number;
}

/** The capacity of this server. */
export const servedCapacity = ({
  engines,
  devices,
  admission,
  full,
}: ServedCapacity): Capacity => ({
  get total() {
    const share = defaultMaxStreams(engines.workingDevices) / defaultMaxStreams(devices);
    return capacityAt(full, share);
  },
  get used() {
    // Places are the unit of admission; an operator may count otherwise, in large streams for example.
    return Math.max(0, Math.ceil((admission.taken * full) / admission.capacity - ROUNDING));
  },
  get changed() {
    return engines.changed;
  },
  get emptied() {
    return admission.emptied;
  },
});
