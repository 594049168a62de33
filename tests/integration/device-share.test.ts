/** Streams with slow and fast models on one device. With real sessions of ONNX Runtime. */
import { describe, expect, test } from "bun:test";
import type { LoadedModel } from "../../src/engine/inference/loaded-model.ts";
import { draftModel } from "../../src/engine/models/draft.ts";
import { parseGraph, signatureOf } from "../../src/engine/models/tensor-signature.ts";
import { noisePicture, OnnxWorkspace } from "../support/onnx-workspace.ts";
import { sharedData } from "../support/shared-data.ts";

const styles = sharedData("models/style");

describe.skipIf(styles === null)("streams of one device (needs ../shared/data)", () => {
  test("a fast model's frames do not wait for those of three streams with slow ones", async () => {
    await using workspace = await OnnxWorkspace.create();
    for (const name of ["candy", "mosaic"]) {
      const onnx = await Bun.file(`${styles}/${name}_nc16_256.onnx`).bytes();
      await workspace.add(name, draftModel("model.onnx", signatureOf(parseGraph(onnx))), onnx);
    }
    await using host = await workspace.host();
    const run = async (model: LoadedModel, key: string) => {
      const picture = noisePicture(256, 256);
      await model.run({ key, picture, size: picture, params: {}, timeSeconds: 0 });
    };
    const [candy, mosaic] = [await host.acquire("candy"), await host.acquire("mosaic")];
    const identity = await host.acquire("identity");
    // Until these have run, nobody knows how long they take.
    for (const model of [candy, mosaic, identity]) await run(model, "known");

    let runs = 0;
    let over = false;
    const slow = [candy, mosaic, candy].map(async (model, index) => {
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
    // In turns it would get as many as each of the slow ones: two.
    expect(runs).toBeGreaterThan(20);
  });
});
