/**
 * Divides a step: into a deterministic part and fresh noise, and in its middle. Rounds to single precision wherever
 * ComfyUI does: a sigma decides which timestep the network gets, and which time of a Brownian path.
 */

const f = Math.fround;

/** Options of samplers that add fresh noise. */
export interface NoiseOptions {
  /** Share of fresh noise: 0 is deterministic, 1 fully ancestral. */
  readonly eta?: number;
  /** Factor of the fresh noise. */
  readonly noiseScale?: number;
}

/**
 * Goes down from `sigma` to `down`, from where noise of deviation `up` leads back to `next`: the posterior of Ho et
 * al. 2020 in terms of sigma, its noise scaled by `eta` and at most `next`.
 */
export function ancestralSplit(
  sigma: number,
  next: number,
  eta = 1,
): { readonly down: number; readonly up: number } {
  if (eta === 0) return { down: next, up: 0 };
  const [variance, nextVariance] = [f(sigma * sigma), f(next * next)];
  const posterior = f(f(nextVariance * f(variance - nextVariance)) / variance);
  const up = Math.min(next, f(eta * f(Math.sqrt(posterior))));
  return { down: f(Math.sqrt(f(nextVariance - f(up * up)))), up };
}

/** The sigma in the middle of a step, by ln sigma. */
export function logMiddle(sigma: number, next: number): number {
  const to = f(Math.log(next));
  return f(Math.exp(f(to - f(f(to - f(Math.log(sigma))) * 0.5))));
}
