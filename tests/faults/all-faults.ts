/** Lists all faults that the matrix tries. */
import { PROCESS_FAULTS } from "./process/process-faults.ts";
import type { Fault } from "./rig/fault.ts";

export const ALL_FAULTS: readonly Fault[] = [...PROCESS_FAULTS];
