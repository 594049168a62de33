/** Blends two conditionings, so that one prompt can flow into the next. */
import { assertSameWidth, type Conditioning, padded } from "./conditioning.ts";

/**
 * How vectors are blended. `linear`: number by number, as ComfyUI's ConditioningAverage does. `slerp`: along the arc
 * between the two directions, while the length changes evenly. Vectors that point apart become shorter in the middle
 * of a linear blend; slerp keeps their length.
 */
export type BlendMethod = "linear" | "slerp";

/**
 * The conditioning at `t` of the way from one to the other: 0 is `from`, 1 is `to`. Each token's vector is blended
 * with the one at its position, and so is the pooled vector. The shorter conditioning is padded with the empty prompt.
 *
 * @param empty the conditioning of the empty prompt, one chunk
 */
export function blendConditionings(
  from: Conditioning,
  to: Conditioning,
  t: number,
  method: BlendMethod,
  empty: Conditioning,
): Conditioning {
  assertSameWidth(from, to);
  const tokens = Math.max(from.tokens, to.tokens);
  const { width } = to;
  const blend = (a: Float32Array, b: Float32Array, size: number): Float32Array<ArrayBuffer> => {
    const result = new Float32Array(b.length);
    for (let start = 0; start < b.length; start += size) {
      const [left, right] = [a.subarray(start, start + size), b.subarray(start, start + size)];
      const [p, q] = method === "slerp" ? arcShares(left, right, t) : [1 - t, t];
      for (let at = 0; at < size; at++) {
        result[start + at] = (left[at] as number) * p + (right[at] as number) * q;
      }
    }
    return result;
  };
  return {
    embeddings: blend(
      padded(from, tokens, empty).embeddings,
      padded(to, tokens, empty).embeddings,
      width,
    ),
    tokens,
    width,
    pooled: from.pooled && to.pooled ? blend(from.pooled, to.pooled, to.pooled.length) : to.pooled,
  };
}

/** Below this sine vectors point in one direction or in opposite ones: the arc is a line, or there are many. */
const SMALLEST_SINE = 1e-4;

/** The factors of both vectors at `t` of the arc between them. */
function arcShares(a: Float32Array, b: Float32Array, t: number): [number, number] {
  let dot = 0;
  let squareA = 0;
  let squareB = 0;
  for (let at = 0; at < a.length; at++) {
    const [x, y] = [a[at] as number, b[at] as number];
    dot += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  const [lengthA, lengthB] = [Math.sqrt(squareA), Math.sqrt(squareB)];
  const angle = Math.acos(Math.min(1, Math.max(-1, dot / (lengthA * lengthB))));
  const sine = Math.sin(angle);
  if (!(sine > SMALLEST_SINE)) return [1 - t, t]; // also where a vector is 0
  const length = (lengthA * (1 - t) + lengthB * t) / sine;
  return [(Math.sin((1 - t) * angle) / lengthA) * length, (Math.sin(t * angle) / lengthB) * length];
}
