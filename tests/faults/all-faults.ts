/** Lists all faults that the matrix tries. */
import type { Fault } from "./rig/fault.ts";

export const ALL_FAULTS: readonly Fault[] = [];
