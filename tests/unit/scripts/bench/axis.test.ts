import { expect, test } from "bun:test";
import { layOut } from "../../../../scripts/bench/chart/axis.ts";

const labels = (scale: "linear" | "log" | "tail", values: readonly number[]) =>
  layOut({ title: "", scale }, values).ticks.map(({ label }) => label);

test("a linear axis begins at 0 and ends with a round number above the values", () => {
  expect(labels("linear", [0.23, 0.15])).toEqual(["0", "0.05", "0.1", "0.15", "0.2", "0.25"]);
  expect(labels("linear", [11.6])).toEqual(["0", "5", "10", "15"]);
  expect(labels("linear", [-3, 4])).toEqual(["-4", "-2", "0", "2", "4"]);
});

test("a value on the last tick needs no further one", () => {
  expect(labels("linear", [100])).toEqual(["0", "20", "40", "60", "80", "100"]);
  expect(labels("log", [1, 100])).toEqual(["1", "2", "5", "10", "20", "50", "100"]);
});

test("an axis of zeros alone has a height", () => {
  const axis = layOut({ title: "", scale: "linear" }, [0, 0]);
  expect(axis.ticks.map(({ label }) => label)).toEqual(["0", "0.2", "0.4", "0.6", "0.8", "1"]);
  expect(axis.place(0)).toBe(0);
});

test("a logarithmic axis has equal room for equal factors, and its values lie on it", () => {
  const { ticks, place } = layOut({ title: "", scale: "log" }, [6.2, 76.3]);
  expect(ticks.map(({ label }) => label)).toEqual(["5", "10", "20", "50", "100"]);
  expect(place(20) - place(10)).toBeCloseTo(place(10) - place(5));
  expect([ticks[0]?.at, ticks.at(-1)?.at]).toEqual([0, 1]);
});

test("a logarithmic axis over many decades has a tick for each", () => {
  expect(labels("log", [0.01, 50_000])).toEqual(
    ["0.01", "0.1", "1", "10", "100", "1,000", "10,000", "100,000"], //
  );
});

test("the tail of a distribution has as much room from 90 to 99 % as what is below", () => {
  const { ticks, place } = layOut({ title: "", scale: "tail" }, [0, 0.99]);
  expect(ticks.map(({ label }) => label)).toEqual(["0 %", "50 %", "75 %", "90 %", "95 %", "99 %"]);
  expect(place(0.9)).toBeCloseTo(0.5);
});

test("ticks that are given are taken, and the axis reaches from the first to the last value", () => {
  const { ticks, place } = layOut({ title: "", scale: "log", ticks: [1, 2, 4, 8] }, [1, 8]);
  expect(ticks.map(({ label }) => label)).toEqual(["1", "2", "4", "8"]);
  expect(place(4)).toBeCloseTo(2 / 3);
});

test("a single value lies in the middle", () => {
  expect(layOut({ title: "", scale: "log", ticks: [4] }, [4]).place(4)).toBe(0.5);
});
