/** The share of the devices that works, and the capacity to register for it. */

import { defaultMaxStreams } from "../../../engines/devices.ts";
import type { EngineScheduler } from "../../../engines/scheduler.ts";

/** The engines as registration sees them. */
export interface Readiness {
  /** The part of the devices that work, from 0 (the server cannot serve) to 1. */
  readonly share: number;
  /** Settles when `share` may have changed. */
  readonly changed: Promise<void>;
}

/** Keeps a product such as 3 × ⅓ from falling below its integer. */
const ROUNDING = 1e-6;

/** The capacity to register: that of the devices which work, at least 1 while any does; 0 while none does. */
export const capacityAt = (full: number, { share }: Pick<Readiness, "share">): number =>
  share <= 0 ? 0 : Math.max(1, Math.floor(full * Math.min(1, share) + ROUNDING));

type Engines = Pick<EngineScheduler, "workingDevices" | "changed">;

/** Weighs devices by the streams that each can take. `chosen`: those that the settings name, or that were found. */
export const engineReadiness = (engines: Engines, chosen: readonly string[]): Readiness => ({
  get share() {
    return defaultMaxStreams(engines.workingDevices) / defaultMaxStreams(chosen);
  },
  get changed() {
    return engines.changed;
  },
});
