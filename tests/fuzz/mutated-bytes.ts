/** Generates damaged copies of valid inputs. They shrink to fewer and smaller damages. */
import fc from "fast-check";

/** Where in a text, as a fraction of its length, so that it holds for texts of any length. */
const place = fc.nat(0xffff).map((n) => n / 0x10000);
const small = fc.integer({ min: 1, max: 64 });

/** Values at which parsers go wrong: edges of signed and unsigned integers. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const WIDTHS = [1, 2, 4] as const;

type Edit = (bytes: Buffer) => Buffer;

/**
 * Each input is one of `corpus` with up to `maxEdits` edits: bits flipped, bytes replaced, inserted, cut out or repeated,
 * integers at their edges, the end cut off, and parts of other inputs of the corpus.
 */
export function mutatedBytes(
  corpus: readonly Uint8Array[],
  { maxEdits = 6, maxBytes = 1024 * 1024 } = {},
): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  const one = fc.constantFrom(...corpus);
  return fc
    .tuple(one, fc.array(editOf(one), { maxLength: maxEdits }))
    .map(([base, edits]) => edits.reduce<Buffer>((bytes, edit) => edit(bytes), Buffer.from(base)))
    .map((bytes) => new Uint8Array(bytes.subarray(0, maxBytes)));
}

/** As `mutatedBytes`, of texts in UTF-8; bytes that are not UTF-8 become U+FFFD. */
export const mutatedTexts = (corpus: readonly string[]): fc.Arbitrary<string> =>
  mutatedBytes(corpus.map((text) => Buffer.from(text))).map((bytes) =>
    Buffer.from(bytes).toString(),
  );

const editOf = (other: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Edit> =>
  fc.oneof(
    fc.tuple(place, fc.nat(7)).map(([at, bit]) => flip(at, bit)),
    fc.tuple(place, small).map(([at, length]) => replace(at, length, Buffer.alloc(0))),
    fc
      .tuple(place, fc.nat(8), fc.uint8Array({ minLength: 1, maxLength: 16 }))
      .map(([at, length, by]) => replace(at, length, by)),
    fc
      .tuple(place, fc.constantFrom(...WIDTHS), fc.constantFrom(...EDGES), fc.boolean())
      .map(([at, width, edge, isLittle]) => replace(at, width, integer(width, edge, isLittle))),
    fc.tuple(place, small, fc.integer({ min: 2, max: 300 })).map(([...how]) => repeat(...how)),
    place.map(
      (at): Edit =>
        (bytes) =>
          bytes.subarray(0, index(bytes, at)),
    ),
    fc
      .tuple(other, place, place, place)
      .map(([from, start, end, at]) => splice(from, start, end, at)),
  );

const index = (bytes: Uint8Array, at: number): number => Math.floor(at * (bytes.length + 1));

const replace =
  (at: number, length: number, by: Uint8Array): Edit =>
  (bytes) => {
    const start = index(bytes, at);
    return Buffer.concat([bytes.subarray(0, start), by, bytes.subarray(start + length)]);
  };

const flip =
  (at: number, bit: number): Edit =>
  (bytes) => {
    const start = index(bytes, at);
    return replace(at, 1, Buffer.from([(bytes[start] ?? 0) ^ (1 << bit)]))(bytes);
  };

const repeat =
  (at: number, length: number, times: number): Edit =>
  (bytes) => {
    const start = index(bytes, at);
    const run = bytes.subarray(start, start + length);
    return replace(at, length, Buffer.concat(Array<Uint8Array>(times).fill(run)))(bytes);
  };

const splice =
  (from: Uint8Array, start: number, end: number, at: number): Edit =>
  (bytes) => {
    const [first, last] = [index(from, start), index(from, end)].sort((a, b) => a - b);
    return replace(at, 0, from.subarray(first, last))(bytes);
  };

function integer(width: (typeof WIDTHS)[number], edge: number, isLittle: boolean): Buffer {
  const bytes = Buffer.alloc(4);
  if (isLittle) bytes.writeUInt32LE(edge);
  else bytes.writeUInt32BE(edge);
  return isLittle ? bytes.subarray(0, width) : bytes.subarray(4 - width);
}
