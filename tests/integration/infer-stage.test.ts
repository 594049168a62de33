/** The infer stage by itself, with a host whose models load at once. */
import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { FramePool } from "../../src/engine/codec/video-frame.ts";
import type { LoadedModel } from "../../src/engine/device/loaded-model.ts";
import { identity } from "../../src/engine/models/built-in/identity.ts";
import { defineModel } from "../../src/engine/models/define-model.ts";
import { modelChain } from "../../src/engine/models/model-chain.ts";
import { parseGraph, signatureOf } from "../../src/engine/models/tensor-signature.ts";
import { InferStage } from "../../src/engine/plan/infer-stage.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import { WorkerError } from "../../src/errors.ts";
import { FakeModel } from "../support/fake-model.ts";
import { RecordingObserver } from "../support/recording-observer.ts";

const CHANGES = 3000;

const signature = signatureOf(parseGraph(identity.graph()));
const definition = defineModel("broken", identity.json, signature);
const chain = modelChain(definition, () => null);

type Acquire = (name: string) => Promise<LoadedModel>;

/** A stage whose models come from `acquire`. */
const stageOf = (acquire: Acquire, params: () => StreamParams): InferStage =>
  new InferStage({
    calls: UNRECORDED_CALLS,
    host: {
      acquire,
      chain: async () => chain,
      loading: () => null,
      loadDeadlineMs: 1000,
      prompts: { encode: async () => new Float32Array(1) },
    },
    pool: new FramePool(),
    key: "s",
    hasInput: true,
    deadlineOf: () => Number.POSITIVE_INFINITY,
    params,
    observer: new RecordingObserver(),
  });

const PARAMS: StreamParams = {
  prompts: [],
  model: "broken",
  fit: "cover",
  paused: false,
  model_params: {},
};

test("changes of the parameters leave nothing behind", async () => {
  let params = PARAMS;
  const acquire = () => Promise.reject(new WorkerError("model_failed", "broken"));
  const stage = stageOf(acquire, () => params);
  const arrays = async (): Promise<number> => {
    await stage.ready();
    Bun.gc(true);
    const { Array: count = 0 } = heapStats().objectTypeCounts;
    return count;
  };
  const before = await arrays();
  for (let change = 0; change < CHANGES; change++) {
    params = { ...params };
    stage.prepare();
    if (change % 100 === 0) await stage.ready();
  }
  expect(await arrays()).toBeLessThan(before + CHANGES / 10);
  await stage.dispose();
});

/** What the pipeline calls for each frame. */
async function frames(stage: InferStage, count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    stage.prepare();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("a newer version of the model is asked for once, however many frames come until it is there", async () => {
  const first = new FakeModel(definition);
  const { promise: newer, resolve } = Promise.withResolvers<LoadedModel>();
  let asked = 0;
  const stage = stageOf(
    () => (asked++ === 0 ? Promise.resolve(first) : newer),
    () => PARAMS,
  );
  await stage.ready();
  first.outdated = true;
  await frames(stage, 5);
  expect(asked).toBe(2);
  resolve(new FakeModel(definition));
  await frames(stage, 5);
  expect(asked).toBe(2);
  await stage.dispose();
});

test("a newer version that cannot be had is not asked for with every frame", async () => {
  const first = new FakeModel(definition);
  let asked = 0;
  const stage = stageOf(
    async () => {
      if (asked++ === 0) return first;
      throw new WorkerError("model_failed", "the newer one is broken");
    },
    () => PARAMS,
  );
  await stage.ready();
  first.outdated = true;
  await frames(stage, 20);
  expect(asked).toBe(2);
  await stage.dispose();
});
