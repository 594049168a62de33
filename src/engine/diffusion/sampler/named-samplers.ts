/** Lists ComfyUI's samplers by name, each with the noise it draws and the schedule it wants. */
import {
  dpmpp2mCfgPlusPlus,
  dpmpp2sCfgPlusPlus,
  eulerCfgPlusPlus,
  gradientEstimationCfgPlusPlus,
} from "./cfg-plus-plus.ts";
import { deis } from "./deis.ts";
import { dpmAdaptive, dpmFast } from "./dpm-solver.ts";
import { dpm2, dpm2Ancestral } from "./dpm2.ts";
import { dpmpp2m, dpmpp2mSde, dpmpp3mSde } from "./dpmpp-multistep.ts";
import { dpmpp2sAncestral, dpmppSde } from "./dpmpp-singlestep.ts";
import { erSde } from "./er-sde.ts";
import { euler, eulerAncestral } from "./euler.ts";
import { gradientEstimation } from "./gradient-estimation.ts";
import { heun, heunPlusPlus } from "./heun.ts";
import { ipndm, ipndmVariable } from "./ipndm.ts";
import { lms } from "./lms.ts";
import { ddpm, lcm } from "./posterior.ts";
import { resMultistep } from "./res-multistep.ts";
import { saSolver } from "./sa-solver.ts";
import type { Sampler } from "./sampler.ts";
import { seeds2, seeds3 } from "./seeds.ts";
import type { NoiseKind } from "./step-noise.ts";
import { uniPc } from "./unipc.ts";

/** A sampler and what it needs around it. */
export interface SamplerMethod {
  readonly sample: Sampler;
  readonly noise: NoiseKind;
  /** "dropped": KSampler leaves the last sigma before 0 out of the schedule. */
  readonly penultimate?: "dropped";
  /** "fresh": the region that a noise mask keeps is noised with other noise than the start. */
  readonly keptRegionNoise?: "fresh";
}

const normal = (sample: Sampler): SamplerMethod => ({ sample, noise: "normal" });
const brownian = (sample: Sampler): SamplerMethod => ({ sample, noise: "brownian" });
const shortened = (sample: Sampler): SamplerMethod => ({
  sample,
  noise: "normal",
  penultimate: "dropped",
});

/**
 * The samplers of KSampler and KSamplerSelect. The "_gpu" ones differ from their twins in where ComfyUI draws their
 * noise; here all noise is drawn as on the CPU.
 */
export const SAMPLERS = {
  euler: normal(euler),
  euler_cfg_pp: normal(eulerCfgPlusPlus({ eta: 0 })),
  euler_ancestral: normal(eulerAncestral()),
  euler_ancestral_cfg_pp: normal(eulerCfgPlusPlus()),
  heun: normal(heun),
  heunpp2: normal(heunPlusPlus),
  dpm_2: shortened(dpm2),
  dpm_2_ancestral: shortened(dpm2Ancestral()),
  lms: normal(lms),
  dpm_fast: normal(dpmFast),
  dpm_adaptive: normal(dpmAdaptive()),
  dpmpp_2s_ancestral: normal(dpmpp2sAncestral()),
  dpmpp_2s_ancestral_cfg_pp: normal(dpmpp2sCfgPlusPlus()),
  dpmpp_sde: brownian(dpmppSde()),
  dpmpp_sde_gpu: brownian(dpmppSde()),
  dpmpp_2m: normal(dpmpp2m),
  dpmpp_2m_cfg_pp: normal(dpmpp2mCfgPlusPlus),
  dpmpp_2m_sde: brownian(dpmpp2mSde()),
  dpmpp_2m_sde_gpu: brownian(dpmpp2mSde()),
  dpmpp_2m_sde_heun: brownian(dpmpp2mSde({ solver: "heun" })),
  dpmpp_2m_sde_heun_gpu: brownian(dpmpp2mSde({ solver: "heun" })),
  dpmpp_3m_sde: brownian(dpmpp3mSde()),
  dpmpp_3m_sde_gpu: brownian(dpmpp3mSde()),
  ddpm: normal(ddpm),
  lcm: normal(lcm),
  ipndm: normal(ipndm),
  ipndm_v: normal(ipndmVariable),
  deis: normal(deis),
  res_multistep: normal(resMultistep()),
  res_multistep_cfg_pp: normal(resMultistep({ guidance: "plus-plus" })),
  res_multistep_ancestral: normal(resMultistep({ eta: 1 })),
  res_multistep_ancestral_cfg_pp: normal(resMultistep({ eta: 1, guidance: "plus-plus" })),
  gradient_estimation: normal(gradientEstimation()),
  gradient_estimation_cfg_pp: normal(gradientEstimationCfgPlusPlus()),
  er_sde: normal(erSde()),
  seeds_2: normal(seeds2()),
  seeds_3: normal(seeds3()),
  sa_solver: normal(saSolver()),
  sa_solver_pece: normal(saSolver("corrected")),
  ddim: { sample: euler, noise: "normal", keptRegionNoise: "fresh" },
  uni_pc: shortened(uniPc("bh1")),
  uni_pc_bh2: shortened(uniPc("bh2")),
} as const satisfies Record<string, SamplerMethod>;

export type SamplerName = keyof typeof SAMPLERS;

export function isSamplerName(name: string): name is SamplerName {
  return Object.hasOwn(SAMPLERS, name);
}
