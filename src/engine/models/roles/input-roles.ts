/** Lists the roles of inputs. Adding one means writing its file and naming it here. */
import { constant } from "./constant.ts";
import { frame } from "./frame.ts";
import { image, mask } from "./image-input.ts";
import { noise } from "./noise.ts";
import { param } from "./param.ts";
import { previousFrame } from "./previous-frame.ts";
import { previousOutput } from "./previous-output.ts";
import { prompts } from "./prompts.ts";
import type { Role } from "./role.ts";
import { seed } from "./seed.ts";
import { height, width } from "./side.ts";
import { state } from "./state.ts";
import { text } from "./text.ts";
import { time } from "./time.ts";
import { upstream } from "./upstream.ts";
import { vector } from "./vector.ts";

/** Roles by name. */
export type Roles = Readonly<Record<string, Role>>;

export const INPUT_ROLES = {
  frame,
  previous_frame: previousFrame,
  previous_output: previousOutput,
  state,
  image,
  mask,
  param,
  vector,
  text,
  prompts,
  time,
  width,
  height,
  seed,
  noise,
  constant,
  from: upstream,
} as const satisfies Roles;
