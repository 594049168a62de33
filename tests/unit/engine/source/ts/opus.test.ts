import { expect, test } from "bun:test";
import { readOpus } from "../../../../../src/engine/source/ts/opus.ts";
import { opusSamples } from "../../../../../src/media/opus.ts";
import { concat } from "../../../../support/ts-builder.ts";

/** One packet behind its control header; `flags`: start trim 0x10, end trim 0x08, extension 0x04. */
function controlled(data: Uint8Array, flags = 0): Uint8Array {
  const sizes: number[] = [];
  let left = data.length;
  for (; left >= 255; left -= 255) sizes.push(255);
  sizes.push(left);
  const trims = [
    flags & 0x10 ? [1, 0x38] : [],
    flags & 0x08 ? [0, 9] : [],
    flags & 0x04 ? [3, 7, 7, 7] : [],
  ];
  return Uint8Array.from([0x7f, 0xe0 | flags, ...sizes, ...trims.flat(), ...data]);
}

const packet = (size: number, toc = 0xfc): Uint8Array => {
  const data = new Uint8Array(size).fill(0x5a);
  data[0] = toc;
  return data;
};

test("packets of all sizes are read whole, also around the escape at 255 bytes", () => {
  for (const size of [1, 254, 255, 256, 510, 1000]) {
    const [only, ...rest] = readOpus(controlled(packet(size)));
    expect(only).toEqual({ data: packet(size), samples: 960 });
    expect(rest).toEqual([]);
  }
});

test("several packets in one PES, trims and extensions skipped", () => {
  const parts = [0, 0x10, 0x08, 0x04, 0x1c].map((flags, index) =>
    controlled(packet(40 + index), flags),
  );
  expect(readOpus(concat(parts)).map(({ data }) => data.length)).toEqual([40, 41, 42, 43, 44]);
});

test("reading stops at a cut packet, an empty one, and anything that is not a header", () => {
  const whole = controlled(packet(300));
  for (let cut = 0; cut < whole.length; cut++) expect(readOpus(whole.subarray(0, cut))).toEqual([]);
  expect(readOpus(controlled(new Uint8Array(0)))).toEqual([]);
  expect(readOpus(concat([whole, Uint8Array.from([1, 2, 3])])).length).toBe(1);
});

test("the duration of a packet is in its first byte", () => {
  const toc = (config: number, code: number, count = 0): number =>
    opusSamples(Uint8Array.from([(config << 3) | code, count]));
  expect([0, 1, 2, 3].map((config) => toc(config, 0))).toEqual([480, 960, 1920, 2880]);
  expect([12, 13].map((config) => toc(config, 0))).toEqual([480, 960]);
  expect([16, 17, 18, 19].map((config) => toc(config, 0))).toEqual([120, 240, 480, 960]);
  expect([toc(31, 1), toc(31, 2), toc(31, 3, 3)]).toEqual([1920, 1920, 2880]);
});
