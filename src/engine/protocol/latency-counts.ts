/** Counts latencies in buckets whose width grows with the value, so that percentiles over a stream's whole life take 1 kB. */
import { Type } from "@sinclair/typebox";
import type { Immutable } from "../../schema.ts";

/** The upper bound of a bucket is this much above that of the bucket before. */
const GROWTH = 1.1;
const LOG_GROWTH = Math.log(GROWTH);
const FIRST_BOUND_MS = 1;
/** The last bucket takes everything above. */
const LONGEST_MS = 120_000;
const BUCKETS = 2 + Math.ceil(Math.log(LONGEST_MS / FIRST_BOUND_MS) / LOG_GROWTH);

/** How many latencies fell into each bucket, without the empty buckets behind the last that is not. */
export const LatencyCounts = Type.Array(Type.Integer({ minimum: 0 }), { maxItems: BUCKETS });
export type LatencyCounts = Immutable<typeof LatencyCounts>;

/** Counts the latencies of one stream in one engine. Recording one allocates nothing. */
export class LatencyCounter {
  readonly #counts = new Uint32Array(BUCKETS);

  record(ms: number): void {
    const above = Math.ceil(Math.log(ms / FIRST_BOUND_MS) / LOG_GROWTH);
    const bucket = Math.min(Math.max(above, 0), BUCKETS - 1);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  /** All since the first. */
  get counts(): LatencyCounts {
    return [...this.#counts.subarray(0, this.#counts.findLastIndex((count) => count > 0) + 1)];
  }
}

/** The counts of both. */
export const addLatencyCounts = (one: LatencyCounts, other: LatencyCounts): LatencyCounts =>
  Array.from(
    { length: Math.max(one.length, other.length) },
    (_, bucket) => (one[bucket] ?? 0) + (other[bucket] ?? 0),
  );

/**
 * The latency in milliseconds that this share of all is not above: within 5 % between 1 ms and 2 min. Null where nothing
 * was counted.
 */
export function latencyQuantile(counts: LatencyCounts, share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const wanted = Math.max(1, Math.ceil(total * share));
  let seen = 0;
  const bucket = counts.findIndex((count) => {
    seen += count;
    return seen >= wanted;
  });
  // The middle of the bucket, in equal ratio to both of its bounds.
  return FIRST_BOUND_MS * GROWTH ** (bucket - 0.5);
}
