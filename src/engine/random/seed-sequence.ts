/** Spreads an integer seed over 32-bit words as `numpy.random.SeedSequence` does (O'Neill 2015, "seed_seq_fe"). */

const SHIFT = 16;
const INIT_A = 0x43b0d7e5;
const MULT_A = 0x931e8875;
const INIT_B = 0x8b51f9dd;
const MULT_B = 0x58f38ded;
const MIX_LEFT = 0xca01f9dd;
const MIX_RIGHT = 0x4973f715;

/**
 * The first `count` words of `SeedSequence(entropy, spawn_key=spawnKey, pool_size=poolSize).generate_state(count)`,
 * equal to numpy's.
 *
 * ```ts
 * seedSequence(42n, [3n, 2n], 24, 1); // Uint32Array [2593260554]
 * ```
 *
 * @param entropy the seed, 0 or greater
 * @param spawnKey the path of a child sequence, each part 0 or greater; empty for the root
 * @param poolSize words in which the entropy is mixed; numpy's default is 4
 */
export function seedSequence(
  entropy: bigint,
  spawnKey: readonly bigint[],
  poolSize: number,
  count: number,
): Uint32Array {
  const source = words(entropy);
  // A spawn key must not be mistaken for further words of the entropy.
  if (spawnKey.length > 0) while (source.length < poolSize) source.push(0);
  for (const part of spawnKey) source.push(...words(part));
  return generate(mixEntropy(source, poolSize), count);
}

/** The 32-bit words of an integer, the lowest first; one word for 0. */
function words(value: bigint): number[] {
  const parts: number[] = [];
  for (let rest = value; rest > 0n; rest >>= 32n) parts.push(Number(rest & 0xffffffffn));
  return parts.length === 0 ? [0] : parts;
}

function mixEntropy(source: readonly number[], poolSize: number): Uint32Array {
  const pool = new Uint32Array(poolSize);
  let constant = INIT_A;
  const hash = (word: number): number => {
    const salted = word ^ constant;
    constant = Math.imul(constant, MULT_A);
    const product = Math.imul(salted, constant);
    return product ^ (product >>> SHIFT);
  };
  for (let i = 0; i < poolSize; i++) pool[i] = hash(source[i] ?? 0);
  for (let from = 0; from < poolSize; from++) {
    for (let to = 0; to < poolSize; to++) {
      if (to !== from) pool[to] = mix(pool[to] as number, hash(pool[from] as number));
    }
  }
  for (let from = poolSize; from < source.length; from++) {
    for (let to = 0; to < poolSize; to++) {
      pool[to] = mix(pool[to] as number, hash(source[from] as number));
    }
  }
  return pool;
}

function mix(x: number, y: number): number {
  const mixed = (Math.imul(MIX_LEFT, x) - Math.imul(MIX_RIGHT, y)) | 0;
  return mixed ^ (mixed >>> SHIFT);
}

function generate(pool: Uint32Array, count: number): Uint32Array {
  const state = new Uint32Array(count);
  let constant = INIT_B;
  for (let i = 0; i < count; i++) {
    const salted = (pool[i % pool.length] as number) ^ constant;
    constant = Math.imul(constant, MULT_B);
    const product = Math.imul(salted, constant);
    state[i] = product ^ (product >>> SHIFT);
  }
  return state;
}
