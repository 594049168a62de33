import { beforeEach, expect, test } from "bun:test";
import type { ModelInfo } from "../../../../src/engine/protocol/models.ts";
import { ModelLoads } from "../../../../src/server/engines/model-loads.ts";
import { model } from "../../../support/stand-in-models.ts";

const [first, second] = [{}, {}];
let now = 0;
let loads: ModelLoads;
beforeEach(() => {
  now = 0;
  loads = new ModelLoads(() => now);
});

function report(engine: object, at: number, state: ModelInfo["state"], merged = state): void {
  now = at;
  loads.report(engine, { ...model("restyle"), state }, merged);
}

test("nothing is known of a model that no engine has reported", () => {
  expect(loads.of("restyle")).toEqual({ since: null, lastMs: null });
});

test("a load lasts from warming to ready, and is remembered after its engine", () => {
  report(first, 100, "warming");
  expect(loads.of("restyle")).toMatchObject({ since: 100, lastMs: null });
  report(first, 2600, "ready");
  expect(loads.of("restyle")).toMatchObject({ since: 2600, lastMs: 2500 });
  loads.died(first);
  report(second, 3000, "warming");
  expect(loads.of("restyle")).toMatchObject({ since: 3000, lastMs: 2500 });
  report(second, 4000, "ready");
  expect(loads.of("restyle").lastMs).toBe(1000);
});

test("a load that failed, or whose engine died, has no duration", () => {
  report(first, 0, "warming");
  report(first, 500, "failed");
  report(first, 600, "ready"); // repaired from files
  expect(loads.of("restyle").lastMs).toBeNull();
  report(first, 700, "warming");
  loads.died(first);
  report(first, 900, "ready");
  expect(loads.of("restyle").lastMs).toBeNull();
});

test("loads of two engines are told apart, and the state that counts is that of all", () => {
  report(first, 0, "warming");
  report(second, 100, "warming");
  report(first, 300, "ready");
  report(second, 900, "warming", "ready");
  expect(loads.of("restyle")).toMatchObject({ since: 300, lastMs: 300 });
  report(second, 1100, "ready");
  expect(loads.of("restyle")).toMatchObject({ since: 300, lastMs: 1000 });
});
