import { expect, test } from "bun:test";
import { PictureMemory } from "../../../../src/engine/codec/picture-memory.ts";

/** A picture of 2x2 pixels. */
const picture = (data: Uint8Array<ArrayBuffer>) => ({ data, width: 2, height: 2 });

test("memory that is given back is taken again, for as many bytes", () => {
  const memory = new PictureMemory();
  const data = memory.take(12);
  memory.give(picture(data));
  expect(memory.take(24)).toHaveLength(24);
  expect(memory.take(12)).toBe(data);
  expect(memory.take(12)).not.toBe(data);
});

test("memory that was transferred takes no place of what was not", () => {
  const memory = new PictureMemory();
  const [free, moved] = [memory.take(12), memory.take(12)];
  memory.give(picture(free));
  structuredClone(moved, { transfer: [moved.buffer] });
  for (let time = 0; time < 2; time++) memory.give(picture(moved));
  expect(memory.take(12)).toBe(free);
});

test("memory of a size that nobody has asked for is let go of", () => {
  const memory = new PictureMemory();
  const drawn = new Uint8Array(12);
  memory.give(picture(drawn));
  expect(memory.take(12)).not.toBe(drawn);
});

test("memory of a size that is not asked for any more is let go of", () => {
  const memory = new PictureMemory();
  const early = memory.take(12);
  memory.give(picture(early));
  for (let time = 0; time < 8; time++) memory.take(24);
  expect(memory.take(12)).not.toBe(early);
});

test("memory of earlier sizes is let go of", () => {
  const memory = new PictureMemory();
  const early = memory.take(12);
  memory.give(picture(early));
  for (const data of [memory.take(24), memory.take(24)]) memory.give(picture(data));
  expect(memory.take(12)).not.toBe(early);
});
