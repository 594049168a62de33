/** Runs the samplers, and the nodes that configure them. */
import { WorkerError } from "../../../../errors.ts";
import { dpmpp2mSde } from "../../../diffusion/sampler/dpmpp-multistep.ts";
import { dpmppSde } from "../../../diffusion/sampler/dpmpp-singlestep.ts";
import { eulerAncestral } from "../../../diffusion/sampler/euler.ts";
import { kSample, type SchedulePart } from "../../../diffusion/sampler/k-sampler.ts";
import {
  isSamplerName,
  SAMPLERS,
  type SamplerMethod,
  type SamplerName,
} from "../../../diffusion/sampler/named-samplers.ts";
import { sampleLatent } from "../../../diffusion/sampler/sample-latent.ts";
import type { NodeInputs } from "../node-inputs.ts";
import { type NodeRunner, type NodeRunners, output, type RunContext } from "../node-runner.ts";
import { promptedModel } from "../prompted-model.ts";
import type { Guider, NodeValue, Noise } from "../values.ts";
import { scheduleIn } from "./schedules.ts";

const KSampler: NodeRunner = async (inputs, context) =>
  await runKSampler(inputs, context, {
    noise: { seed: inputs.seed("seed"), source: "seeded" },
    denoise: inputs.number("denoise"),
  });

const KSamplerAdvanced: NodeRunner = async (inputs, context) => {
  const isNoisy = inputs.text("add_noise") === "enable";
  const isLeftNoisy = inputs.text("return_with_leftover_noise") === "enable";
  return await runKSampler(inputs, context, {
    noise: { seed: inputs.seed("noise_seed"), source: isNoisy ? "seeded" : "none" },
    denoise: 1,
    part: {
      start: inputs.number("start_at_step"),
      end: inputs.number("end_at_step"),
      leftoverNoise: isLeftNoisy ? "returned" : "removed",
    },
  });
};

export const SAMPLER_RUNNERS: NodeRunners = {
  KSampler,
  KSamplerAdvanced,

  async SamplerCustom(inputs, context) {
    const noise: Noise = {
      seed: inputs.seed("noise_seed"),
      source: inputs.flag("add_noise") ? "seeded" : "none",
    };
    return await runCustom(inputs, context, { guider: guiderIn(inputs), noise });
  },

  async SamplerCustomAdvanced(inputs, context) {
    const guider = inputs.link("guider", "GUIDER");
    return await runCustom(inputs, context, { guider, noise: inputs.link("noise", "NOISE") });
  },

  KSamplerSelect: (inputs) => [output("SAMPLER", SAMPLERS[samplerIn(inputs)])],

  SamplerEulerAncestral: (inputs) => {
    const method: SamplerMethod = { sample: eulerAncestral(noiseOptions(inputs)), noise: "normal" };
    return [output("SAMPLER", method)];
  },

  SamplerDPMPP_SDE: (inputs) => {
    const sample = dpmppSde({ ...noiseOptions(inputs), r: inputs.number("r") });
    return [output("SAMPLER", { sample, noise: "brownian" })];
  },

  SamplerDPMPP_2M_SDE: (inputs) => {
    const solver = inputs.text("solver_type") === "heun" ? "heun" : "midpoint";
    const sample = dpmpp2mSde({ ...noiseOptions(inputs), solver });
    return [output("SAMPLER", { sample, noise: "brownian" })];
  },

  RandomNoise: (inputs) => [output("NOISE", { seed: inputs.seed("noise_seed"), source: "seeded" })],

  DisableNoise: () => [output("NOISE", { seed: 0n, source: "none" })],

  BasicGuider: (inputs) => [
    output("GUIDER", {
      model: inputs.link("model", "MODEL"),
      positive: inputs.link("conditioning", "CONDITIONING"),
      ...{ negative: [], cfg: 1 },
    }),
  ],

  CFGGuider: (inputs) => [output("GUIDER", guiderIn(inputs))],
};

async function runKSampler(
  inputs: NodeInputs,
  { stepSeed, signal }: RunContext,
  {
    noise,
    denoise,
    part,
  }: { readonly noise: Noise; readonly denoise: number; readonly part?: SchedulePart },
): Promise<NodeValue[]> {
  const latent = inputs.link("latent_image", "LATENT");
  const { samples } = await kSample(promptedModel(guiderIn(inputs), latent), latent, {
    sampler: samplerIn(inputs),
    schedule: scheduleIn(inputs),
    steps: inputs.number("steps"),
    ...{ denoise, stepSeed, seed: noise.seed, noise: noise.source },
    ...(part && { part }),
    onStep: () => signal?.throwIfAborted(),
  });
  return [output("LATENT", { ...latent, samples })];
}

async function runCustom(
  inputs: NodeInputs,
  { stepSeed, signal }: RunContext,
  { guider, noise }: { readonly guider: Guider; readonly noise: Noise },
): Promise<NodeValue[]> {
  const latent = inputs.link("latent_image", "LATENT");
  const { samples, denoised } = await sampleLatent(promptedModel(guider, latent), latent, {
    method: inputs.link("sampler", "SAMPLER"),
    sigmas: inputs.link("sigmas", "SIGMAS"),
    ...{ stepSeed, seed: noise.seed, noise: noise.source },
    onStep: () => signal?.throwIfAborted(),
  });
  const result = { ...latent, samples };
  return [
    output("LATENT", result),
    output("LATENT", denoised === null ? result : { ...latent, samples: denoised }),
  ];
}

const guiderIn = (inputs: NodeInputs): Guider => ({
  model: inputs.link("model", "MODEL"),
  positive: inputs.link("positive", "CONDITIONING"),
  negative: inputs.link("negative", "CONDITIONING"),
  cfg: inputs.number("cfg"),
});

const noiseOptions = (inputs: NodeInputs) => ({
  eta: inputs.number("eta"),
  noiseScale: inputs.number("s_noise"),
});

function samplerIn(inputs: NodeInputs): SamplerName {
  const name = inputs.text("sampler_name");
  if (isSamplerName(name)) return name;
  const known = Object.keys(SAMPLERS).join(", ");
  throw new WorkerError(
    "invalid_request",
    `sampler_name ${JSON.stringify(name)} does not run here; these do: ${known}`,
  );
}
