import { expect, test } from "bun:test";
import { Bypass } from "../../../../src/engine/plan/bypass.ts";
import { FrameGate, type FrameGateOptions } from "../../../../src/engine/plan/frame-gate.ts";
import type { StreamParams } from "../../../../src/engine/protocol/work.ts";

const PARAMS: StreamParams = {
  prompts: [],
  model: "edges",
  fit: "cover",
  paused: false,
  model_params: {},
};

/** A stream whose model never loads, and whose frames may wait for it for a minute. */
function starting(models: readonly unknown[] = []) {
  const params = { current: PARAMS };
  const pauses: boolean[] = [];
  const never = new Promise<never>(() => {});
  const output = {
    hasBegun: false,
    waitFor: () => never,
    paused: (isPaused: boolean) => void pauses.push(isPaused),
  };
  const gate = new FrameGate({
    executor: { models: models as FrameGateOptions["executor"]["models"] },
    preparation: { begin: () => params.current, settled: never },
    finisher: { graceLeft: () => 60_000 },
    bypass: new Bypass(),
    output,
    signal: new AbortController().signal,
  });
  return { gate, params, pauses, output };
}

test("a frame waits for the first model until the stream is paused, and is no loss meanwhile", async () => {
  const { gate, params, pauses, output } = starting();
  output.hasBegun = true;
  const ready = gate.ready();
  expect(gate.isStarting).toBe(true);
  params.current = { ...PARAMS, paused: true };
  gate.prepare();
  await ready;
  expect(gate.isStarting).toBe(false);
  gate.prepare();
  expect(pauses).toEqual([true]);
});

test("a frame that a model can run for does not wait, but it starts the stream until one has come out", async () => {
  const { gate, output } = starting([{}]);
  await gate.ready();
  expect(gate.isStarting).toBe(true);
  output.hasBegun = true;
  expect(gate.isStarting).toBe(false);
});
