/** Lists the faults of input. */
import { damage } from "./damage.ts";
import { foreign } from "./foreign.ts";
import type { InputFault } from "./input-fault.ts";
import { order } from "./order.ts";
import { pictures } from "./pictures.ts";
import { sound } from "./sound.ts";
import { times } from "./times.ts";

export const INPUT_FAULTS: readonly InputFault[] = [
  ...damage,
  ...order,
  ...times,
  ...pictures,
  ...sound,
  ...foreign,
];
