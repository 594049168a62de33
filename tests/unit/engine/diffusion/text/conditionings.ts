/** Small conditionings for tests, written as rows of numbers. */
import type { Conditioning } from "../../../../../src/engine/diffusion/text/conditioning.ts";

/** A conditioning of one row a token. */
export function conditioning(
  rows: readonly (readonly number[])[],
  pooled: readonly number[] | null = null,
): Conditioning {
  return {
    embeddings: Float32Array.from(rows.flat()),
    tokens: rows.length,
    width: rows[0]?.length ?? 0,
    pooled: pooled && Float32Array.from(pooled),
  };
}

/** The rows of a conditioning, rounded for comparison. */
export function rows({ embeddings, width }: Conditioning): number[][] {
  const values = Array.from(embeddings, (value) => Math.round(value * 1e5) / 1e5);
  return Array.from({ length: values.length / width }, (_, row) =>
    values.slice(row * width, (row + 1) * width),
  );
}
