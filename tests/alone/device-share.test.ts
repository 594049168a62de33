/** Tests how streams with slow and fast models share a device, with real sessions of ONNX Runtime. */
import { describe, expect, test } from "bun:test";
import type { LoadedModel } from "../../src/engine/device/loaded-model.ts";
import type { Value } from "../../src/engine/models/graph-builder.ts";
import { noisePicture, OnnxWorkspace, simpleModel } from "../support/onnx-workspace.ts";
import { drawWith } from "../support/run-model.ts";

/** A network of a few billion multiplications at 256 × 256: tens of milliseconds a frame on a CPU core. */
const slowModel = simpleModel("float32", [1, 3, 256, 256], (graph, picture) => {
  const channels = 32;
  const kernel = (out: number, from: number) =>
    graph.constant("float32", [out, from, 3, 3], new Array(out * from * 9).fill(1 / (from * 9)));
  const convolve = (value: Value, weights: Value) =>
    graph.node("Conv", [value, weights], { pads: [1n, 1n, 1n, 1n] });
  const inner = kernel(channels, channels);
  let value = convolve(picture, kernel(channels, 3));
  for (let layer = 0; layer < 6; layer++) value = convolve(value, inner);
  return convolve(value, kernel(3, channels));
});

describe("streams of one device", () => {
  test("a fast model's frames do not wait for those of three streams with slow ones", async () => {
    await using workspace = await OnnxWorkspace.create();
    for (const name of ["slow-1", "slow-2"])
      await workspace.add(name, { inputs: { x: { role: "frame" } } }, slowModel);
    await using host = await workspace.host();
    const run = async (model: LoadedModel, key: string) => {
      await drawWith(model, { key, picture: noisePicture(256, 256) });
    };
    const [one, other] = [await host.acquire("slow-1"), await host.acquire("slow-2")];
    const identity = await host.acquire("identity");
    // The scheduler learns from these how long each model takes.
    for (const model of [one, other, identity]) await run(model, "known");

    let runs = 0;
    let over = false;
    const slow = [one, other, one].map(async (model, index) => {
      for (let turn = 0; turn < 2; turn++) {
        await run(model, `slow ${index}`);
      }
    });
    const fast = (async () => {
      for (; !over; runs++) await run(identity, "fast");
    })();
    await Promise.all(slow);
    over = true;
    await fast;
    // If streams simply took turns, it would run as often as each slow one: twice. It runs 30 times on an idle machine.
    expect(runs).toBeGreaterThan(10);
  });
});
