import { expect, test } from "bun:test";
import { RepeatFilter } from "../../../../../src/server/protocols/side-channels/repeat-filter.ts";

test("a text passes once a minute", () => {
  const errors = new RepeatFilter();
  expect([0, 1000, 59_999, 60_000, 60_001].map((now) => errors.isNew("a", now))).toEqual([
    true,
    false,
    false,
    true,
    false,
  ]);
});

test("at most twenty texts a minute pass", () => {
  const errors = new RepeatFilter();
  const shown = Array.from({ length: 100 }, (_, n) => errors.isNew(`${n}`, n));
  expect(shown.filter(Boolean)).toHaveLength(20);
  expect(errors.isNew("later", 61_000)).toBe(true);
});
