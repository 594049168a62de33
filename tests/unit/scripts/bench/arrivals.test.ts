/** How benchmark `trickle` reassembles chunks from bytes that were cut anywhere. */
import { expect, test } from "bun:test";
import { Arrivals, CHUNK_BYTES, numberedChunks } from "../../../../scripts/bench/arrivals.ts";

test.each([1, 3, 1000, CHUNK_BYTES, CHUNK_BYTES + 1, 10 * CHUNK_BYTES])(
  "chunks arrive with the piece that brings their last byte, in pieces of %d bytes",
  (size) => {
    const chunks = numberedChunks(1).slice(0, 3);
    const bytes = Buffer.concat(chunks);
    const arrivals = new Arrivals();
    for (let start = 0; start < bytes.length; start += size)
      arrivals.push(bytes.subarray(start, start + size), start + size);
    const expected = chunks.map((_, number) => {
      const end = (number + 1) * CHUNK_BYTES;
      return [number, Math.ceil(end / size) * size] as const;
    });
    expect([...arrivals.at]).toEqual(expected.map(([number, at]) => [number, at]));
  },
);

test("a segment that broke off costs its last chunk and none of the next segment", () => {
  const [zero = new Uint8Array(), one = new Uint8Array()] = numberedChunks(1);
  const arrivals = new Arrivals();
  arrivals.push(zero.subarray(0, 5000), 1, true);
  arrivals.push(one, 2, true);
  expect([...arrivals.at]).toEqual([[1, 2]]);
});
