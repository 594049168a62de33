/** Lists the faults of the network and of trickle servers. */
import type { Fault } from "../rig/fault.ts";
import { INPUT_PATH_FAULTS } from "./input-faults.ts";
import { OUTPUT_PATH_FAULTS } from "./output-faults.ts";
import { SIDE_PATH_FAULTS } from "./side-faults.ts";

export const TRICKLE_PATH_FAULTS: readonly Fault[] = [
  ...OUTPUT_PATH_FAULTS,
  ...INPUT_PATH_FAULTS,
  ...SIDE_PATH_FAULTS,
];
