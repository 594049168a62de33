/** What a benchmark is: a function that measures. Printing and writing are the runner's. */
import type { Measurement } from "./report.ts";

export interface BenchmarkOptions {
  /** A short run that shows that all of it works; its figures mean little. */
  readonly quick: boolean;
  /** How long benchmarks that watch something over time do so. */
  readonly minutes: number;
  /** Progress, for a person who waits. */
  readonly log: (text: string) => void;
}

/** Ends everything it started before it settles. */
export type Benchmark = (options: BenchmarkOptions) => Promise<Measurement[]>;
