/** Maps training timesteps of a diffusion model to noise levels (sigmas) and back, as ComfyUI does. */

const f = Math.fround;

/** Distances in ln sigma that differ by less are equal: one unit in the last place of a float near 1. */
const TIE = 6e-8;

/** How a model was trained to see noise; the defaults are those of Stable Diffusion 1.x, 2.x and XL. */
export interface NoiseTraining {
  /** Variance added at the first and at the last timestep. */
  readonly betaStart?: number;
  readonly betaEnd?: number;
  readonly timesteps?: number;
  /** What is equally spaced from the first timestep to the last: the variances, or their square roots (default). */
  readonly spacing?: "linear" | "scaled_linear";
}

/** Shares of a run, 0 at its noisy end and 1 at its clean one. */
export interface ShareRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The noise level of every timestep, ascending, where sigma is the standard deviation of the noise relative to an
 * unscaled latent ("variance exploding"; Karras et al. 2022). Sigmas are single precision, as in ComfyUI.
 */
export class SigmaTable {
  /** Ascending; entry i belongs to timestep i·stride + stride − 1. */
  readonly sigmas: Float32Array;
  readonly #logs: Float32Array;
  readonly #stride: number;
  readonly #timesteps: number;

  /**
   * @param sigmas ascending, rounded here
   * @param stride timesteps from one entry to the next; more than 1 for a model distilled to fewer timesteps
   */
  constructor(sigmas: Float64Array | Float32Array, stride = 1) {
    if (sigmas.length === 0) throw new RangeError("a sigma table needs at least one entry");
    this.sigmas = Float32Array.from(sigmas);
    this.#logs = Float32Array.from(sigmas, Math.log);
    this.#stride = stride;
    this.#timesteps = sigmas.length * stride;
  }

  get sigmaMin(): number {
    return this.sigmas[0] as number;
  }

  get sigmaMax(): number {
    return this.sigmas[this.sigmas.length - 1] as number;
  }

  /**
   * The timestep whose sigma is nearest by |ln sigma|; of two that are equally near but for rounding, the lower one.
   * Schedules often lie halfway between two, and there the last bit of torch's `exp` decides in ComfyUI.
   */
  timestep(sigma: number): number {
    const log = f(Math.log(f(sigma)));
    let nearest = 0;
    let smallest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#logs.length; i++) {
      const distance = f(Math.abs(f(log - (this.#logs[i] as number))));
      if (distance < f(smallest - TIE)) [nearest, smallest] = [i, distance];
    }
    return nearest * this.#stride + this.#stride - 1;
  }

  /** The sigma of a timestep, ln sigma interpolated between whole ones; clamped to the table. */
  sigma(timestep: number): number {
    const last = this.#logs.length - 1;
    const position = f((timestep - (this.#stride - 1)) / this.#stride);
    const clamped = Math.min(Math.max(position, 0), last);
    const low = Math.floor(clamped);
    const weight = f(clamped - low);
    const lowLog = this.#logs[low] as number;
    const highLog = this.#logs[Math.ceil(clamped)] as number;
    return f(Math.exp(f(f(f(1 - weight) * lowLog) + f(weight * highLog))));
  }

  /**
   * The sigma at a share of the timesteps, counted from the noisy end: what `start_percent` and `end_percent` of a
   * conditioning mean. 0 gives a sigma above all, 1 gives 0.
   */
  percentToSigma(percent: number): number {
    if (percent <= 0) return 999999999.9;
    if (percent >= 1) return 0;
    return this.sigma((1 - percent) * (this.#timesteps - 1));
  }

  /** True at a sigma between two shares of the timesteps. */
  isWithin(sigma: number, { start, end }: ShareRange): boolean {
    return sigma <= this.percentToSigma(start) && sigma >= this.percentToSigma(end);
  }
}

/**
 * The sigmas of a trained model: sigma = √((1 − ᾱ)/ᾱ), where ᾱ is the running product of 1 − beta (Ho et al. 2020).
 * Betas are equally spaced there; their square roots are in latent diffusion ("scaled linear"; Rombach et al. 2022).
 */
export function trainedSigmas(training: NoiseTraining = {}): Float64Array {
  const { betaStart = 0.00085, betaEnd = 0.012, timesteps = 1000 } = training;
  const exponent = training.spacing === "linear" ? 1 : 2;
  const start = betaStart ** (1 / exponent);
  const step = timesteps > 1 ? (betaEnd ** (1 / exponent) - start) / (timesteps - 1) : 0;
  const sigmas = new Float64Array(timesteps);
  let power = 1;
  for (let i = 0; i < timesteps; i++) {
    power *= 1 - (start + step * i) ** exponent;
    sigmas[i] = Math.sqrt((1 - power) / power);
  }
  return sigmas;
}

/**
 * The same with the signal of the last timestep shrunk to almost nothing, so that a start from pure noise is what the
 * model was trained on (Lin et al. 2024, "zero terminal SNR"): √ᾱ is shifted and scaled so that it ends at 0.
 */
export function zeroTerminalSigmas(training: NoiseTraining = {}): Float64Array {
  const signals = trainedSigmas(training).map((sigma) => Math.sqrt(1 / (sigma * sigma + 1)));
  const first = signals[0] as number;
  const last = signals[signals.length - 1] as number;
  const power = signals.map((signal) => (((signal - last) * first) / (first - last)) ** 2);
  power[power.length - 1] = LAST_POWER;
  return power.map((value) => Math.sqrt((1 - value) / value));
}

/** ᾱ of the last timestep with zero terminal SNR in ComfyUI; 0 would make its sigma infinite. */
const LAST_POWER = 4.8973451890853435e-8;

/**
 * The table of a model distilled to `kept` timesteps (latent consistency models; Luo et al. 2023): of the trained
 * sigmas, equally spaced ones down from the last.
 */
export function distilledTable(sigmas: Float64Array | Float32Array, kept = 50): SigmaTable {
  const stride = Math.floor(sigmas.length / kept);
  const chosen = new Float32Array(kept);
  for (let i = 0; i < kept; i++) {
    chosen[kept - 1 - i] = sigmas[sigmas.length - 1 - i * stride] as number;
  }
  return new SigmaTable(chosen, stride);
}
