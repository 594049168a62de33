/** Cuts, turns and refines sigma schedules, as ComfyUI's nodes of the same names do. None changes its input. */
import { linspace, roundHalfToEven } from "./python-numbers.ts";

/** The two parts of a schedule. The sigma at the cut is in both. */
export interface SplitSchedule {
  readonly high: Float32Array;
  readonly low: Float32Array;
}

/** SplitSigmas: `high` holds the first `step` steps, `low` the rest. */
export function splitSigmas(sigmas: Float32Array, step: number): SplitSchedule {
  return { high: sigmas.slice(0, step + 1), low: sigmas.slice(step) };
}

/** SplitSigmasDenoise: `low` holds the last `round(steps·denoise)` steps. With none of them `high` is empty. */
export function splitSigmasByDenoise(sigmas: Float32Array, denoise: number): SplitSchedule {
  const steps = roundHalfToEven(Math.max(sigmas.length - 1, 0) * denoise);
  return {
    high: steps === 0 ? new Float32Array(0) : sigmas.slice(0, -steps),
    low: sigmas.slice(-(steps + 1)),
  };
}

/** FlipSigmas: ascending instead of descending, for adding noise; a leading 0 becomes 0.0001. */
export function flipSigmas(sigmas: Float32Array): Float32Array {
  const flipped = sigmas.slice().reverse();
  if (flipped[0] === 0) flipped[0] = 0.0001;
  return flipped;
}

/** SetFirstSigma. */
export function setFirstSigma(sigmas: Float32Array, sigma: number): Float32Array {
  const changed = sigmas.slice();
  if (changed.length > 0) changed[0] = sigma;
  return changed;
}

const SPACINGS = {
  linear: (share: number) => share,
  cosine: (share: number) => Math.sin((share * Math.PI) / 2),
  sine: (share: number) => 1 - Math.cos((share * Math.PI) / 2),
} as const;

export interface Refinement {
  /** Steps that take the place of one. */
  readonly steps: number;
  /** Only steps that begin between these sigmas are refined; a negative `startAtSigma` means all from above. */
  readonly startAtSigma: number;
  readonly endAtSigma: number;
  readonly spacing: keyof typeof SPACINGS;
}

/** ExtendIntermediateSigmas: divides each step into several. */
export function extendSigmas(sigmas: Float32Array, refinement: Refinement): Float32Array {
  const { steps, endAtSigma, spacing } = refinement;
  const start = refinement.startAtSigma < 0 ? Number.POSITIVE_INFINITY : refinement.startAtSigma;
  const shares = linspace(0, 1, steps + 1)
    .subarray(1, -1)
    .map(SPACINGS[spacing]);
  const extended: number[] = [];
  for (const [i, sigma] of sigmas.entries()) {
    extended.push(sigma);
    const next = sigmas[i + 1];
    if (next === undefined || sigma > start || sigma < endAtSigma) continue;
    for (const share of shares) extended.push(share * (next - sigma) + sigma);
  }
  return Float32Array.from(extended);
}
