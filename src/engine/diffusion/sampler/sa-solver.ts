/** SA-Solver: a stochastic Adams predictor and corrector (Xue et al. 2023), in λ = −ln sigma. */
import { combine } from "./combine.ts";
import { lagrangePolynomial } from "./polynomial.ts";
import { intervals, type Sampler } from "./sampler.ts";

const PREDICTOR_ORDER = 3;
const CORRECTOR_ORDER = 4;
/** Noise is added between these shares of the timesteps, counted from the noisy end. */
const NOISY_FROM = 0.2;
const NOISY_TO = 0.8;

/** A clean prediction and where it was made. */
interface Node {
  readonly lambda: number;
  readonly denoised: Float32Array;
}

/** How the step before led to this sigma: the corrector takes it again with a prediction more. */
interface LastStep {
  readonly lambda: number;
  readonly tau: number;
  readonly noise: Float32Array | null;
}

/**
 * "sa_solver", and "sa_solver_pece" with a second denoiser call on each corrected latent. Orders fall towards a final
 * 0. Steps report the predicted latent.
 */
export function saSolver(evaluation: "predicted" | "corrected" = "predicted"): Sampler {
  return async (x, { denoise, sigmas, noise, onStep, table }) => {
    if (table === undefined) throw new RangeError("SA-Solver needs the model's sigma table");
    const noisiest = table.percentToSigma(NOISY_FROM);
    const cleanest = table.percentToSigma(NOISY_TO);
    const isCleanAtEnd = sigmas[sigmas.length - 1] === 0;
    const corrected = x.slice();
    let nodes: readonly Node[] = [];
    let last: LastStep | null = null;
    for (const { index, sigma, next } of intervals(sigmas)) {
      let denoised = await denoise(x, sigma);
      onStep?.({ index, sigma, x, denoised });
      const lambda = -Math.log(sigma);
      nodes = [{ lambda, denoised }, ...nodes].slice(0, CORRECTOR_ORDER);
      // The sigmas above 0 that are still to come limit both orders.
      const ahead = isCleanAtEnd ? sigmas.length - 2 - index : CORRECTOR_ORDER;

      if (last === null || (next === 0 && evaluation === "predicted")) {
        corrected.set(x);
      } else {
        adamsStep(corrected, nodes.slice(0, ahead + 1), { from: last.lambda, to: lambda, ...last });
        if (evaluation === "corrected") {
          denoised = await denoise(corrected, sigma);
          nodes = [{ lambda, denoised }, ...nodes.slice(1)];
        }
      }
      if (next === 0) {
        x.set(denoised);
        continue;
      }
      const tau = noisiest >= next && next >= cleanest ? 1 : 0;
      const to = -Math.log(next);
      const spread = next * Math.sqrt(-Math.expm1(-2 * tau * tau * (to - lambda)));
      const drawn: Float32Array | null =
        tau > 0 ? combine(new Float32Array(x.length), [spread, noise(sigma, next)]) : null;
      last = { lambda, tau, noise: drawn };
      x.set(corrected);
      const order = Math.min(PREDICTOR_ORDER, ahead);
      adamsStep(x, nodes.slice(0, order), { from: lambda, to, tau, noise: drawn });
    }
    // As in ComfyUI, a run that ends above 0 gives the latent of the last evaluation, without the step after it.
    return isCleanAtEnd ? x : corrected;
  };
}

interface AdamsStep {
  readonly from: number;
  readonly to: number;
  readonly tau: number;
  readonly noise: Float32Array | null;
}

/**
 * Moves x, with the prediction in between taken as the polynomial through the nodes (eq. 14 and 17 of the paper):
 * e^((1+τ²)(λ − to)) of x, the integral of (1+τ²)·e^((1+τ²)(λ − to)) times the polynomial, and the noise.
 */
function adamsStep(
  x: Float32Array,
  nodes: readonly Node[],
  { from, to, tau, noise }: AdamsStep,
): void {
  const rate = 1 + tau * tau;
  const width = to - from;
  const lambdas = nodes.map(({ lambda }) => lambda);
  const moments = exponentialMoments(rate, width, nodes.length);
  const terms = nodes.map(({ denoised }, j) => {
    const polynomial = lagrangePolynomial(lambdas, j, to);
    const weight = polynomial.reduce((sum, value, p) => sum + value * (moments[p] as number), 0);
    return [weight, denoised] as const;
  });
  combine(x, [Math.exp(-rate * width), x], ...terms);
  if (noise !== null) combine(x, [1, x], [1, noise]);
}

/** rate·∫ e^(rate·v)·vᵖ dv from −width to 0, for p = 0 … count − 1; by parts. */
function exponentialMoments(rate: number, width: number, count: number): number[] {
  const moments = [-Math.expm1(-rate * width)];
  for (let p = 1; p < count; p++) {
    const boundary = -((-width) ** p) * Math.exp(-rate * width);
    moments.push(boundary - (p / rate) * (moments[p - 1] as number));
  }
  return moments;
}
