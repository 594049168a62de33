import { expect, test } from "bun:test";
import { ALL_FAULTS } from "./all-faults.ts";

test("no two faults have the same name, by which rows of the matrix are found", () => {
  const names = ALL_FAULTS.map(({ name }) => name);
  expect(names.filter((name, n) => names.indexOf(name) !== n)).toEqual([]);
});
