/** The soak's faults: all kinds of them, and none that a stream does not outlive as it was. */
import { expect, test } from "bun:test";
import { ALL_FAULTS } from "../faults/all-faults.ts";
import { suits } from "./strike.ts";

const suiting = (name: string, input: object | null) =>
  ALL_FAULTS.filter((fault) => suits(fault, { name, input })).map((fault) => fault.name);

test("a stream with input is struck on every path, and keeps its channels", () => {
  const names = suiting("BYOC", {});
  for (const path of ["output", "input", "side", "engine", "decoder", "clock"])
    expect(names.some((name) => name.startsWith(`${path}:`))).toBe(true);
  expect(names).not.toContain("side: 404");
  expect(names).not.toContain("output: 404");
  expect(names).not.toContain("model: no run ends");
});

test("a stream without input is not struck where it has none", () => {
  const names = suiting("seed without", null);
  expect(names).toContain("output: stalled");
  expect(names.filter((name) => /^(input|decoder):/.test(name))).toEqual([]);
});
