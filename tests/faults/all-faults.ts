/** Lists all faults that the matrix tries. */
import { INPUT_FAULTS } from "./input/input-faults.ts";
import { PROCESS_FAULTS } from "./process/process-faults.ts";
import type { Fault } from "./rig/fault.ts";

export const ALL_FAULTS: readonly Fault[] = [...INPUT_FAULTS, ...PROCESS_FAULTS];
