import { expect, test } from "bun:test";
import { type SimulatedStream, simulate } from "../../../support/device-simulation.ts";

const runner = (ms: number) => ({ ms: () => ms });

const slow = (index: number, name = `slow ${index}`): SimulatedStream => ({
  name,
  runner: runner(285),
});

test("short runs are not held up by three streams of long ones, which lose next to nothing", async () => {
  const alone = await simulate(1, 10_000, [slow(0), slow(1), slow(2)]);
  const fast = { name: "fast", runner: runner(1), every: 33 };
  const runs = await simulate(1, 10_000, [slow(0), slow(1), slow(2), fast]);
  // After its first run, until which nobody knows how short it is, none waits for long.
  expect(runs.count("fast")).toBeGreaterThan(270);
  for (const name of ["slow 0", "slow 1", "slow 2"]) {
    expect(runs.count(name)).toBeGreaterThanOrEqual(alone.count(name) - 1);
  }
});

test("where no run is short, a lane's time is shared evenly, whatever one run takes", async () => {
  const runs = await simulate(1, 30_000, [
    { name: "long", runner: runner(200) },
    { name: "middle", runner: runner(100) },
    { name: "also long", runner: runner(200) },
  ]);
  const [long, middle] = [runs.count("long") * 200, runs.count("middle") * 100];
  expect(runs.count("also long") * 200).toBeWithin(long - 201, long + 201);
  // One frame in flight: it cannot have two runs in a row while others wait, so one a turn is all there is.
  expect(middle).toBeGreaterThan(long * 0.9);
});

test("streams that come later delay the others by half a second each at most", async () => {
  const late = [1, 2].map((index) => ({
    name: `late ${index}`,
    runner: runner(50),
    from: 20_000,
  }));
  const runs = await simulate(1, 40_000, [{ name: "old", runner: runner(50) }, ...late]);
  const third = 20_000 / 3;
  for (const name of ["old", "late 1", "late 2"]) {
    expect(runs.count(name, 20_000) * 50).toBeWithin(third - 1100, third + 1100);
  }
});

test("short runs that go on and on get beside long ones what is fair, and no more", async () => {
  const many = { name: "many", runner: runner(30) };
  const runs = await simulate(1, 30_000, [slow(0), slow(1), slow(2), many]);
  const fair = runs.count("slow 1") * 285;
  expect(runs.count("many") * 30).toBeWithin(fair - 600, fair + 600);
});

test("pictures of one stream share like one stream, however many wait", async () => {
  const pictures = [1, 2, 3, 4].map((index) => slow(index, "pictures"));
  const runs = await simulate(1, 30_000, [slow(0), ...pictures]);
  expect(Math.abs(runs.count("pictures") - runs.count("slow 0"))).toBeLessThanOrEqual(3);
});
