/** Lists the samplers, and what configures them: noise, guidance and the sampling of a model. */
import type { NodeClass } from "../node-class.ts";
import { BasicGuider } from "./samplers/basic-guider.ts";
import { CFGGuider } from "./samplers/cfg-guider.ts";
import { DisableNoise } from "./samplers/disable-noise.ts";
import { KSampler } from "./samplers/k-sampler.ts";
import { KSamplerAdvanced } from "./samplers/k-sampler-advanced.ts";
import { KSamplerSelect } from "./samplers/k-sampler-select.ts";
import { ModelSamplingDiscrete } from "./samplers/model-sampling-discrete.ts";
import { RandomNoise } from "./samplers/random-noise.ts";
import { RescaleCFG } from "./samplers/rescale-cfg.ts";
import { SamplerCustom } from "./samplers/sampler-custom.ts";
import { SamplerCustomAdvanced } from "./samplers/sampler-custom-advanced.ts";
import { SamplerDPMPP_2M_SDE } from "./samplers/sampler-dpmpp-2m-sde.ts";
import { SamplerDPMPP_SDE } from "./samplers/sampler-dpmpp-sde.ts";
import { SamplerEulerAncestral } from "./samplers/sampler-euler-ancestral.ts";
import { SamplerLCMUpscale } from "./samplers/sampler-lcm-upscale.ts";

export const SAMPLER_NODES: readonly NodeClass[] = [
  KSampler,
  KSamplerAdvanced,
  SamplerCustom,
  SamplerCustomAdvanced,
  KSamplerSelect,
  SamplerEulerAncestral,
  SamplerDPMPP_SDE,
  SamplerDPMPP_2M_SDE,
  SamplerLCMUpscale,
  RandomNoise,
  DisableNoise,
  BasicGuider,
  CFGGuider,
  ModelSamplingDiscrete,
  RescaleCFG,
];
