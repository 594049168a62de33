/** Lists the rules by which pipelines can be sampled: ComfyUI's or diffusers'. */

/**
 * "diffusers": the pipeline's own scheduler, with diffusers' noise and strength, as its pipelines draw. Guidance is always
 * "full" there. "ComfyUI": the sampler and schedule that stand for it.
 */
export const SAMPLING_RULES = ["ComfyUI", "diffusers"] as const;
export type SamplingRules = (typeof SAMPLING_RULES)[number];
