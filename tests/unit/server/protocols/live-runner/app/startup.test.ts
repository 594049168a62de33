import { expect, test } from "bun:test";
import { startupOf } from "../../../../../../src/server/protocols/live-runner/app/startup.ts";
import { model } from "../../../../../support/stand-in-models.ts";

const engines = (
  since: number | null = null,
  lastMs: number | null = null,
  state: "loading" | "ready" | "broken" = "ready",
) => ({ state, models: { loads: { of: () => ({ since, lastMs }) } } });
const cold = model("large", { state: "cold", load_estimate_ms: 4000 });

test.each([
  ["ready", "warm", 0],
  ["cold", "cold", 60_000],
  ["warming", "loading", 45_000],
  ["failed", "unavailable", null],
] as const)("a model that is %s is %s", (state, compute, estimatedMs) => {
  const startup = startupOf(model("large", { state }), engines(5000, 60_000), 20_000);
  expect(startup).toEqual({ compute, estimatedMs, lastLoadMs: 60_000, stateAgeMs: 15_000 });
});

test("a load that was measured is a better estimate than that of the engine", () => {
  expect(startupOf(cold, engines()).estimatedMs).toBe(4000);
  expect(startupOf(cold, engines(0, 9000)).estimatedMs).toBe(9000);
  expect(startupOf(model("small", { state: "cold" }), engines()).estimatedMs).toBeNull();
});

test("a load that takes longer than the last is expected to end at any moment", () => {
  const loading = model("large", { state: "warming" });
  expect(startupOf(loading, engines(0, 1000), 5000).estimatedMs).toBe(0);
  expect(startupOf(loading, engines(0, null), 5000).estimatedMs).toBeNull();
});

test("while the first engine boots the runner is loading, and without engines it is unavailable", () => {
  expect(startupOf(null, engines(null, null, "loading"))).toEqual({
    compute: "loading",
    estimatedMs: null,
    lastLoadMs: null,
    stateAgeMs: null,
  });
  expect(startupOf(model("large"), engines(0, 1, "broken"))).toMatchObject({
    compute: "unavailable",
    estimatedMs: null,
  });
});
