/** Encodes a guidance scale as the vector that consistency models take in place of a second evaluation. */

/** What diffusers' pipeline of latent consistency models guides by where nothing is stated. */
export const CONSISTENCY_GUIDANCE = 8.5;

const HIGHEST_PERIOD = 10_000;

/**
 * Sines and cosines of `1000·(guidance − 1)` at frequencies that fall from 1 to 1/10000 (Luo et al. 2023; Meng et al.
 * 2023): the sines first, and a 0 at the end where `width` is odd.
 */
export function guidanceEmbedding(guidance: number, width: number): Float32Array {
  const embedding = new Float32Array(width);
  const half = width >> 1;
  const scaled = Math.fround((guidance - 1) * 1000);
  for (let at = 0; at < half; at++) {
    const frequency = Math.fround(Math.exp((-Math.log(HIGHEST_PERIOD) * at) / (half - 1)));
    const angle = Math.fround(scaled * frequency);
    embedding[at] = Math.sin(angle);
    embedding[half + at] = Math.cos(angle);
  }
  return embedding;
}
