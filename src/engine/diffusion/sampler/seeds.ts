/** SEEDS: stochastic exponential integrators with two or three denoiser calls a step (Gonzalez et al. 2023), in λ = −ln sigma. */
import type { NoiseOptions } from "./ancestral.ts";
import { combine } from "./combine.ts";
import { type Interval, intervals, type Sampler, type SamplerRun } from "./sampler.ts";

const f = Math.fround;

/** "seeds_2": a call in the middle of each step. */
export function seeds2({ eta = 1, noiseScale = 1 }: NoiseOptions = {}): Sampler {
  return seeds({ eta, noiseScale }, async (x, denoised, stage) => {
    const middle = stage.at(1 / 2);
    const inner = await stage.denoise(stage.move(x, middle, [[middle.phi1, denoised]]), middle);
    const end = stage.at(1);
    // The prediction in the middle stands for the whole step.
    return stage.move(x, end, [[end.phi1, inner]]);
  });
}

/** "seeds_3": calls after one and two thirds of each step. */
export function seeds3({ eta = 1, noiseScale = 1 }: NoiseOptions = {}): Sampler {
  return seeds({ eta, noiseScale }, async (x, denoised, stage) => {
    const [one, two, end] = [stage.at(1 / 3), stage.at(2 / 3), stage.at(1)];
    const first = await stage.denoise(stage.move(x, one, [[one.phi1, denoised]]), one);
    const bend = (two.share / one.share) * two.phi2;
    const toTwo = stage.move(x, two, [
      [two.phi1 - bend, denoised],
      [bend, first],
    ]);
    const second = await stage.denoise(toTwo, two);
    const weight = end.phi2 / two.share;
    return stage.move(x, end, [
      [end.phi1 - weight, denoised],
      [weight, second],
    ]);
  });
}

/** A point of a step: its share of the way in λ, and the integrals of the exponential up to it. */
interface Point {
  readonly share: number;
  readonly sigma: number;
  readonly phi1: number;
  readonly phi2: number;
}

type Step = (x: Float32Array, denoised: Float32Array, stage: Stage) => Promise<Float32Array>;

function seeds(options: Required<NoiseOptions>, step: Step): Sampler {
  return async (x, run) => {
    for (const interval of intervals(run.sigmas)) {
      const { index, sigma, next } = interval;
      const denoised = await run.denoise(x, sigma);
      run.onStep?.({ index, sigma, x, denoised });
      x.set(next === 0 ? denoised : await step(x, denoised, new Stage(run, interval, options)));
    }
    return x;
  };
}

/** One step: moves x from its beginning to a point, with noise that grows from point to point. */
class Stage {
  readonly #run: SamplerRun;
  readonly #sigma: number;
  readonly #next: number;
  readonly #width: number;
  readonly #options: Required<NoiseOptions>;
  /** Of unit scale relative to sigma; its variance reaches 1 − exp(−2·eta·share·width). */
  #noise: Float32Array | null = null;
  #noisyShare = 0;
  #noisySigma: number;

  constructor(run: SamplerRun, { sigma, next }: Interval, options: Required<NoiseOptions>) {
    this.#run = run;
    this.#sigma = sigma;
    this.#next = next;
    this.#width = Math.log(sigma / next);
    this.#options = options;
    this.#noisySigma = sigma;
  }

  at(share: number): Point {
    const reach = share * this.#width * (1 + this.#options.eta);
    const phi1 = -Math.expm1(-reach);
    const sigma = share === 1 ? this.#next : f(this.#sigma * Math.exp(-share * this.#width));
    return { share, sigma, phi1, phi2: 1 - phi1 / reach };
  }

  denoise(x: Float32Array, { sigma }: Point): Promise<Float32Array> {
    return this.#run.denoise(x, sigma);
  }

  /** x at a point, from the beginning of the step. Points must come in order. */
  move(
    x: Float32Array,
    { share, sigma }: Point,
    predictions: readonly (readonly [weight: number, values: Float32Array])[],
  ): Float32Array {
    const { eta, noiseScale } = this.#options;
    const kept = (sigma / this.#sigma) * Math.exp(-share * this.#width * eta);
    const moved = combine(new Float32Array(x.length), [kept, x], ...predictions);
    if (eta <= 0 || noiseScale <= 0) return moved;
    return combine(moved, [1, moved], [sigma * noiseScale, this.#grownNoise(share, sigma)]);
  }

  #grownNoise(share: number, sigma: number): Float32Array {
    const decay = (share - this.#noisyShare) * this.#width * this.#options.eta;
    const fresh = this.#run.noise(this.#noisySigma, sigma);
    const deviation = Math.sqrt(-Math.expm1(-2 * decay));
    const old = this.#noise ?? new Float32Array(fresh.length);
    this.#noise = combine(old, [Math.exp(-decay), old], [deviation, fresh]);
    this.#noisyShare = share;
    this.#noisySigma = sigma;
    return this.#noise;
  }
}
