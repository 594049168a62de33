/** Runs sampler nodes: KSampler's kind, and custom ones with a guider and a list of sigmas. */
import { kSample, type SchedulePart } from "../../diffusion/sampler/k-sampler.ts";
import { sampleLatent } from "../../diffusion/sampler/sample-latent.ts";
import type { NodeInputs } from "./node-inputs.ts";
import { output, type RunContext } from "./node-runner.ts";
import { promptedModel } from "./prompted-model.ts";
import { guiderIn, samplerIn, scheduleIn } from "./sampling-inputs.ts";
import type { Guider, NodeValue, Noise } from "./values.ts";

export async function runKSampler(
  inputs: NodeInputs,
  { stepSeed, signal }: RunContext,
  {
    noise,
    denoise,
    part,
  }: { readonly noise: Noise; readonly denoise: number; readonly part?: SchedulePart },
): Promise<NodeValue[]> {
  const latent = inputs.link("latent_image", "LATENT");
  const { samples } = await kSample(promptedModel(guiderIn(inputs), latent, signal), latent, {
    sampler: samplerIn(inputs),
    schedule: scheduleIn(inputs),
    steps: inputs.number("steps"),
    denoise,
    stepSeed,
    seed: noise.seed,
    noise: noise.source,
    ...(part && { part }),
  });
  return [output("LATENT", { ...latent, samples })];
}

export async function runCustom(
  inputs: NodeInputs,
  { stepSeed, signal }: RunContext,
  { guider, noise }: { readonly guider: Guider; readonly noise: Noise },
): Promise<NodeValue[]> {
  const latent = inputs.link("latent_image", "LATENT");
  const { samples, shape, denoised, denoisedShape } = await sampleLatent(
    promptedModel(guider, latent, signal),
    latent,
    {
      method: inputs.link("sampler", "SAMPLER"),
      sigmas: inputs.link("sigmas", "SIGMAS"),
      stepSeed,
      seed: noise.seed,
      noise: noise.source,
    },
  );
  const result = { ...latent, samples, shape };
  const clean = denoised && { ...latent, samples: denoised, shape: denoisedShape };
  return [output("LATENT", result), output("LATENT", clean ?? result)];
}
