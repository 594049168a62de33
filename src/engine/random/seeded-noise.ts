/** Caches the noise of seeds: all frames of a stream start from the same noise. */
import { TorchGenerator } from "./torch-noise.ts";

/** Seeds and sizes that are remembered: those of all streams of a device, as a rule. */
const KEPT = 16;
/** Larger noise (above that of 2048²) is drawn anew: such pictures take seconds, and it would fill memory. */
const MAX_COUNT = 2 ** 18;

const remembered = new Map<string, Float32Array>();

/** The first `count` normals of the generator with this seed: `torch.manual_seed(seed)`, `torch.randn`. Not to be changed. */
export function seededNoise(seed: bigint, count: number): Float32Array {
  if (count > MAX_COUNT) return new TorchGenerator(seed).randn(count);
  const key = `${seed} ${count}`;
  const noise = remembered.get(key) ?? new TorchGenerator(seed).randn(count);
  remembered.delete(key);
  remembered.set(key, noise);
  for (const [oldest] of remembered) {
    if (remembered.size <= KEPT) break;
    remembered.delete(oldest);
  }
  return noise;
}
