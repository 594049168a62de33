/** Compares seed words with those of numpy 2.4: `SeedSequence(entropy, spawn_key=…, pool_size=24).generate_state(n)`. */
import { expect, test } from "bun:test";
import { seedSequence } from "../../../../src/engine/random/seed-sequence.ts";

test.each([
  [0n, [], [4025752534, 2687548107, 2326983537]],
  [42n, [3n, 2n], [2593260554, 3326064702, 1486130732, 2339811671]],
  [1234567890123n, [2n ** 33n + 5n, 34n], [533397930, 1076638571, 2537900180, 2823721690]],
] as const)("seed %p with spawn key %p", (seed, spawnKey, expected) => {
  expect([...seedSequence(seed, spawnKey, 24, expected.length)]).toEqual([...expected]);
});

test("a child has other words than the same entropy written in a row", () => {
  expect(seedSequence(1n, [2n], 4, 1)).not.toEqual(seedSequence((2n << 32n) + 1n, [], 4, 1));
});
