/** Lists all faults that the matrix tries. */
import { INPUT_FAULTS } from "./input/input-faults.ts";
import { PROCESS_FAULTS } from "./process/process-faults.ts";
import type { Fault } from "./rig/fault.ts";
import { TRICKLE_PATH_FAULTS } from "./trickle/path-faults.ts";

export const ALL_FAULTS: readonly Fault[] = [
  ...TRICKLE_PATH_FAULTS,
  ...INPUT_FAULTS,
  ...PROCESS_FAULTS,
];
