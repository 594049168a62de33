/** Schedules optimised for a model family by Sabour, Fidler and Kreis 2024, "Align Your Steps". */
import { roundHalfToEven } from "./python-numbers.ts";

/** Sigmas for ten steps as the authors published them. */
const LEVELS = {
  SD1: [
    14.6146412293, 6.4745760956, 3.8636745985, 2.694615152, 1.8841921177, 1.3943805092,
    0.9642583904, 0.6523686016, 0.3977456272, 0.1515232662, 0.0291671582,
  ],
  SDXL: [
    14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141,
    0.5550693289, 0.3798540708, 0.2332364134, 0.1114188177, 0.0291671582,
  ],
  SVD: [700, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002],
} as const;

export type AlignedFamily = keyof typeof LEVELS;

/**
 * The last `round(steps·denoise)` steps of the schedule for `steps` steps, ln sigma interpolated between the published
 * values; the last sigma becomes 0. Empty if denoise is 0.
 */
export function alignedSigmas(family: AlignedFamily, steps: number, denoise = 1): Float32Array {
  if (denoise <= 0) return new Float32Array(0);
  const kept = denoise < 1 ? roundHalfToEven(steps * denoise) : steps;
  const levels = LEVELS[family];
  const schedule = Float32Array.from({ length: steps + 1 }, (_, i) => {
    const position = (i * (levels.length - 1)) / steps;
    const low = Math.floor(position);
    const weight = position - low;
    const from = Math.log(levels[low] as number);
    const to = Math.log(levels[Math.ceil(position)] as number);
    return Math.exp(from + weight * (to - from));
  }).slice(-(kept + 1));
  schedule[schedule.length - 1] = 0;
  return schedule;
}
