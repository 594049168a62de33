/** Lists the faults of processes, models and the machine. */
import type { Fault } from "../rig/fault.ts";
import { ENGINE_FAULTS } from "./engine-faults.ts";
import { MACHINE_FAULTS } from "./machine-faults.ts";
import { MODEL_FAULTS } from "./model-faults.ts";
import { NATIVE_FAULTS } from "./native-faults.ts";

export const PROCESS_FAULTS: readonly Fault[] = [
  ...ENGINE_FAULTS,
  ...NATIVE_FAULTS,
  ...MODEL_FAULTS,
  ...MACHINE_FAULTS,
];
