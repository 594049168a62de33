/** Summarises waiting times for benchmark `join`. */
import { quantile } from "./report.ts";

/** With 20 to 40 samples, p99 would be the slowest one. */
const SHARES = [0.5, 0.95] as const;
/** Aims for a viewer's wait at p95. */
export const AIM_MS = {
  join: { on: "value", sign: "≤", bound: 300 },
  change: { on: "value", sign: "≤", bound: 150 },
} as const;

/** One row per percentile, with the range of the samples. */
export function percentiles(name: string, samples: readonly number[]) {
  const [least, most] = [Math.min(...samples), Math.max(...samples)].map((ms) => ms.toFixed(0));
  return SHARES.map((share) => ({
    case: `${name} p${share * 100}`,
    unit: "ms",
    samples: [quantile(samples, share)],
    note: `${least}–${most} in ${samples.length}`,
  }));
}
