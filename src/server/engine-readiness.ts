/** Tells which part of the devices that were chosen works now, weighed by the streams that each can take. */
import { defaultMaxStreams } from "./engines/devices.ts";
import type { EngineScheduler } from "./engines/scheduler.ts";
import type { Readiness } from "./protocols/byoc/registration/readiness.ts";

type Engines = Pick<EngineScheduler, "workingDevices" | "changed">;

/** `chosen`: the devices that the settings name, or that were found. */
export const engineReadiness = (engines: Engines, chosen: readonly string[]): Readiness => ({
  get share() {
    return defaultMaxStreams(engines.workingDevices) / defaultMaxStreams(chosen);
  },
  get changed() {
    return engines.changed;
  },
});
