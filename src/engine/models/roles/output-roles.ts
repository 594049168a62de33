/** Lists the roles of outputs. Adding one means writing its file and naming it here. */
import { dataOutput } from "./data-output.ts";
import { heatOutput } from "./heat-output.ts";
import { ignoreOutput } from "./ignore-output.ts";
import { imageOutput } from "./image-output.ts";
import type { Roles } from "./input-roles.ts";
import { maskOutput } from "./mask-output.ts";
import { stateOutput } from "./state.ts";

export const OUTPUT_ROLES = {
  image: imageOutput,
  mask: maskOutput,
  heat: heatOutput,
  state: stateOutput,
  data: dataOutput,
  ignore: ignoreOutput,
} as const satisfies Roles;

/** Roles whose outputs are the picture: a model has at most one of them. */
export const PICTURE_ROLES: readonly string[] = ["image", "mask", "heat"];
