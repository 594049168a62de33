/** Samples a model by the prompts of a graph: many at once, each in its place and time, as ComfyUI's samplers do. */
import { combine } from "../../diffusion/sampler/combine.ts";
import { guide } from "../../diffusion/sampler/guidance.ts";
import type { Latent, LatentShape } from "../../diffusion/sampler/latent.ts";
import type { SampledModel } from "../../diffusion/sampler/sample-latent.ts";
import type { Denoise, DenoisePair } from "../../diffusion/sampler/sampler.ts";
import { inputScale, predictionFactors } from "../../diffusion/schedule/prediction.ts";
import { withControl } from "./control.ts";
import { type Evaluation, evaluate } from "./evaluate.ts";
import { type PlacedPrompt, placePrompt, withMaskBounds, withOpposites } from "./placed-prompt.ts";
import { assertPromptsFit } from "./prompts-fit.ts";
import { rescaledGuide } from "./rescaled-guide.ts";
import { takeTurns } from "./take-turns.ts";
import type { Guider } from "./values.ts";

/**
 * The model of a guider, for latents of this shape.
 *
 * @param signal ends the sampling with its reason
 */
export function promptedModel(
  guider: Guider,
  { shape }: Latent,
  signal: AbortSignal | null,
): SampledModel {
  const { latentScale, sampling } = guider.model;
  const denoisersFor = (one: LatentShape): Denoisers => {
    const { denoise, denoisePair } = denoisers(guider, one);
    return {
      denoise: async (x, sigma) => {
        await takeTurns(signal);
        return await denoise(x, sigma);
      },
      denoisePair: async (x, sigma) => {
        await takeTurns(signal);
        return await denoisePair(x, sigma);
      },
    };
  };
  return {
    ...denoisersFor(shape),
    latentScale,
    table: sampling.table,
    denoiseFor: (one) => denoisersFor(one).denoise,
  };
}

interface Denoisers {
  readonly denoise: Denoise;
  /** For CFG++ samplers, which follow the negative prediction at every scale of guidance. */
  readonly denoisePair: DenoisePair;
}

function denoisers({ model, positive, negative, cfg }: Guider, shape: LatentShape): Denoisers {
  const { table } = model.sampling;
  const bounded = (parts: Guider["positive"]) => parts.map((part) => withMaskBounds(part, shape));
  const place = (parts: Guider["positive"]) => parts.map((part) => placePrompt(part, shape, table));
  // As in ComfyUI, what one side gets for the other's areas counts for the other in turn.
  const negatives = withControl(withOpposites(bounded(negative), bounded(positive)), positive);
  const positives = withOpposites(bounded(positive), negatives);
  assertPromptsFit(model.denoiser.denoiser, [...positives, ...negatives]);
  const sides = [place(positives), place(negatives)] as const;
  const denoisePair: DenoisePair = async (x, sigma) => {
    const latent = { x, sigma, shape };
    const [wanted, unwanted] = await denoised(model, sides, latent);
    const guided =
      model.rescale === 0
        ? guide(wanted, unwanted, cfg)
        : rescaledGuide(latent, [wanted, unwanted], { cfg, share: model.rescale });
    return { guided, negative: unwanted };
  };
  const denoiseAlone: Denoise = async (x, sigma) => {
    const [wanted] = await denoised(model, [sides[0], []], { x, sigma, shape });
    return wanted;
  };
  const denoiseGuided: Denoise = async (x, sigma) => (await denoisePair(x, sigma)).guided;
  // At 1 the negative side has no effect and is not evaluated, unless a sampler asks for both.
  const isGuided = Math.abs(cfg - 1) > 1e-9;
  return { denoise: isGuided ? denoiseGuided : denoiseAlone, denoisePair };
}

/** A noisy latent. */
export interface NoisyLatent {
  readonly x: Float32Array;
  readonly sigma: number;
  readonly shape: LatentShape;
}

type Sides<T> = readonly [positive: T, negative: T];

/** The clean latents that each side predicts: averages of its prompts, weighted place by place. */
async function denoised(
  { denoiser, sampling }: Guider["model"],
  sides: Sides<readonly PlacedPrompt[]>,
  { x, sigma, shape }: NoisyLatent,
): Promise<Sides<Float32Array>> {
  const { table, prediction } = sampling;
  const active = sides.map((prompts) =>
    prompts.filter(({ start, end }) => sigma <= start && sigma >= end),
  );
  const input = combine(new Float32Array(x.length), [inputScale(prediction, sigma), x]);
  const outputs = await evaluate(denoiser, active.flat(), {
    input,
    shape,
    timestep: table.timestep(sigma),
    sigma,
    table,
  });
  const factors = predictionFactors(prediction, sigma, table);
  const [positives = [], negatives = []] = active;
  const average = (evaluations: readonly Evaluation[]): Float32Array =>
    averageOf(evaluations, { x, shape, factors });
  return [
    average(outputs.slice(0, positives.length)),
    negatives.length === 0 ? new Float32Array(x.length) : average(outputs.slice(positives.length)),
  ];
}

function averageOf(
  evaluations: readonly Evaluation[],
  {
    x,
    shape,
    factors,
  }: {
    readonly x: Float32Array;
    readonly shape: LatentShape;
    readonly factors: ReturnType<typeof predictionFactors>;
  },
): Float32Array {
  const [batch, channels, height, width] = shape;
  const sum = new Float32Array(x.length);
  const total = new Float32Array(x.length);
  for (const { prompt, output } of evaluations) {
    const { area, weights } = prompt;
    const size = area.height * area.width;
    for (let plane = 0; plane < batch * channels; plane++) {
      const picture = prompt.batch === 1 ? 0 : Math.floor(plane / channels);
      for (let at = 0; at < size; at++) {
        const row = area.y + Math.floor(at / area.width);
        const to = (plane * height + row) * width + area.x + (at % area.width);
        const clean =
          (x[to] as number) * factors.latent +
          (output[plane * size + at] as number) * factors.output;
        const weight = weights[picture * size + at] as number;
        sum[to] = (sum[to] as number) + clean * weight;
        total[to] = (total[to] as number) + weight;
      }
    }
  }
  for (let at = 0; at < sum.length; at++) {
    const weight = total[at] as number;
    sum[at] = weight === 0 ? 0 : (sum[at] as number) / weight; // no prompt counts there
  }
  return sum;
}
