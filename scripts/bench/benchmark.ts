/** The type of a benchmark: a function that measures. The runner prints and writes the results. */
import type { Measurement } from "./report.ts";

export interface BenchmarkOptions {
  /** A short run that checks that everything works; its figures mean little. */
  readonly quick: boolean;
  /** Duration of benchmarks that observe something over time. */
  readonly minutes: number;
  /** Reports progress. */
  readonly log: (text: string) => void;
}

/** Must end everything it started before it settles. */
export type Benchmark = (options: BenchmarkOptions) => Promise<Measurement[]>;
