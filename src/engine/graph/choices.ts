/** Lists the choices that inputs of several node classes share, such as samplers and resize methods. */
import { SAMPLERS } from "../diffusion/sampler/named-samplers.ts";
import { SCHEDULES } from "../diffusion/schedule/named-schedules.ts";

/** ComfyUI's samplers, in its order. */
export const SAMPLER_NAMES = Object.keys(SAMPLERS);

/** ComfyUI's schedules, in its order. */
export const SCHEDULERS = Object.keys(SCHEDULES);

export const UPSCALE_METHODS = ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"];
export const LATENT_UPSCALE_METHODS = ["nearest-exact", "bilinear", "area", "bicubic", "bislerp"];
export const CROPS = ["disabled", "center"];
export const ROTATIONS = ["none", "90 degrees", "180 degrees", "270 degrees"];
export const FLIPS = ["x-axis: vertically", "y-axis: horizontally"];
