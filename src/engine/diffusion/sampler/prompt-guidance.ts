/** Guides a denoiser away from a negative prompt: evaluated in each step (classifier-free), once, or not at all (residual). */
import type { RowControl } from "../row-groups.ts";
import { type Prediction, predictionFactors } from "../schedule/prediction.ts";
import { combine } from "./combine.ts";
import { guide } from "./guidance.ts";
import { type ModelSampling, modelDenoise } from "./model-denoise.ts";
import type { Denoise } from "./sampler.ts";

/** Which ControlNets are at work on a prompt in one step. */
export type ControlsFor = (prompt: Evaluation["prompt"]) => readonly RowControl[];

/**
 * Where the negative prediction comes from. "full": the network, in each step: 2n evaluations for n steps. "once": the
 * network in the first step, later the residual noise towards what it drew there: n + 1 evaluations. "self": the
 * residual noise towards the latent that the run began with: n evaluations, whatever the negative prompt. The last two
 * are the "onetime-negative" and "self-negative" residual guidance of StreamDiffusion (Kodaira et al. 2023).
 */
export type GuidanceMode = "full" | "once" | "self";
export const GUIDANCE_MODES: readonly GuidanceMode[] = ["full", "once", "self"];

export interface Guidance {
  /** 1: the positive prompt alone, whatever the mode. */
  readonly scale: number;
  readonly mode: GuidanceMode;
  /** Factor of the residual noise, 0 to 1. "full" has no use for it. */
  readonly delta: number;
}

/** One evaluation of the network that a sampler asks for. */
export interface Evaluation {
  /** The noisy latent, scaled for the network. */
  readonly input: Float32Array;
  readonly timestep: number;
  readonly prompt: "positive" | "negative";
  /** The ControlNets at work on it; by default none. */
  readonly controls?: readonly RowControl[];
}

/** Evaluates a network for one step. Returns an array for each evaluation, which nobody writes to. */
export type Evaluate = (evaluations: readonly Evaluation[]) => Promise<readonly Float32Array[]>;

/**
 * The denoiser of one run. Residual noise is defined for every sampler: the noise that leads from the latent at hand to
 * a known clean one, at whatever sigma the sampler asks.
 *
 * @param start gives the clean latent that the run begins with, in the sampler's scale: zeros for a run from noise alone
 * @param controlsAt by the sigma of a step
 */
export function denoiseByPrompts(
  evaluate: Evaluate,
  sampling: ModelSampling,
  guidance: Guidance,
  start: () => Float32Array,
  controlsAt: (sigma: number) => ControlsFor = () => () => [],
): Denoise {
  const { scale, mode, delta } = guidance;
  const { table, prediction } = sampling;
  let anchor = mode === "self" && scale !== 1 ? start() : null;
  return modelDenoise(async (input, timestep, { x, sigma }) => {
    const both = scale !== 1 && anchor === null;
    const prompts = both ? (["positive", "negative"] as const) : (["positive"] as const);
    const controlsFor = controlsAt(sigma);
    const [positive, negative] = await evaluate(
      prompts.map((prompt) => ({ input, timestep, prompt, controls: controlsFor(prompt) })),
    );
    if (positive === undefined) throw new Error("the network gave no prediction");
    if (scale === 1) return positive;
    if (negative !== undefined && mode === "full") return guide(positive, negative, scale);
    anchor ??= cleanLatent(x, negative ?? positive, { prediction, sigma, table });
    return guide(positive, residualOutput(x, anchor, { prediction, sigma, table, delta }), scale);
  }, sampling);
}

interface At extends ModelSampling {
  readonly sigma: number;
}

/** What the network's output says the clean latent is. */
function cleanLatent(x: Float32Array, output: Float32Array, at: At): Float32Array {
  const factors = plainFactors(at);
  return combine(new Float32Array(x.length), [factors.latent, x], [factors.output, output]);
}

/** What a network would put out that sees `delta` times the noise between `x` and the clean latent `anchor`. */
function residualOutput(
  x: Float32Array,
  anchor: Float32Array,
  { delta, ...at }: At & { readonly delta: number },
): Float32Array {
  const { latent, output } = plainFactors(at);
  return combine(
    new Float32Array(x.length),
    [(1 - delta - latent) / output, x],
    [delta / output, anchor],
  );
}

/** Consistency models mix the latent into their result; their network predicts noise. */
function plainFactors({ prediction, sigma, table }: At) {
  const network: Prediction = prediction === "lcm" ? "eps" : prediction;
  return predictionFactors(network, sigma, table);
}
