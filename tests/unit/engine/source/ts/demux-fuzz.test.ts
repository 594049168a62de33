import { expect, test } from "bun:test";
import { TsDemuxer } from "../../../../../src/engine/source/ts/demux.ts";
import { segment } from "../../../../support/ts-segment.ts";

test("random bytes, flipped bits, lost and doubled pieces never throw, hang or grow", () => {
  const random = seeded(20261122);
  const clean = segment();
  let packets = 0;
  for (let round = 0; round < 3000; round++) {
    const demuxer = new TsDemuxer();
    const size = 188 * (3 + Math.floor(random() * 40));
    const bytes = clean.slice(0, Math.min(size, clean.length));
    damage(bytes, random);
    const step = 1 + Math.floor(random() * 1500);
    for (let at = 0; at < bytes.length; at += step) {
      packets += demuxer.push(bytes.subarray(at, at + step), 0).length;
    }
    packets += demuxer.endSegment(0).length;
    const noise = Uint8Array.from({ length: 400 }, () => Math.floor(random() * 256));
    packets += demuxer.push(noise, 0).length;
    // Whatever came before: two clean segments later all is well again.
    demuxer.endSegment(0);
    if (round % 100 === 0) {
      demuxer.push(clean, 0);
      demuxer.endSegment(0);
      const after = [...demuxer.push(clean, 0), ...demuxer.endSegment(0)];
      expect(after.length).toBe(60);
    }
  }
  expect(packets).toBeGreaterThan(1000);
});

function damage(bytes: Uint8Array, random: () => number): void {
  const at = (): number => Math.floor(random() * bytes.length);
  const kind = Math.floor(random() * 4);
  if (kind === 0) {
    for (let index = 0; index < 20; index++) {
      const place = at();
      bytes[place] = (bytes[place] ?? 0) ^ (1 << Math.floor(random() * 8));
    }
  } else if (kind === 1) {
    const from = at();
    for (let index = from; index < Math.min(from + 300, bytes.length); index++) {
      bytes[index] = Math.floor(random() * 256);
    }
  } else if (kind === 2) {
    bytes.copyWithin(at(), at(), at());
  } else {
    // Headers alone: the places where lengths and flags are.
    for (let packet = 0; packet + 188 <= bytes.length; packet += 188) {
      bytes[packet + 1 + Math.floor(random() * 20)] = Math.floor(random() * 256);
    }
  }
}

/** A linear congruential generator: the same numbers every time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
