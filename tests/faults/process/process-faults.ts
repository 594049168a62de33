/** Lists the faults of processes, models and the machine. */
import type { Fault } from "../rig/fault.ts";
import { ENGINE_FAULTS } from "./engine-faults.ts";

export const PROCESS_FAULTS: readonly Fault[] = [...ENGINE_FAULTS];
