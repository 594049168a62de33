/** The infer stage by itself, with a host whose models load at once. */
import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { FramePool } from "../../src/engine/codec/video-frame.ts";
import { identity } from "../../src/engine/models/built-in/identity.ts";
import { defineModel } from "../../src/engine/models/define-model.ts";
import { modelChain } from "../../src/engine/models/model-chain.ts";
import { parseGraph, signatureOf } from "../../src/engine/models/tensor-signature.ts";
import { InferStage } from "../../src/engine/plan/infer-stage.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import { WorkerError } from "../../src/errors.ts";
import { RecordingObserver } from "../support/recording-observer.ts";

const CHANGES = 3000;

const signature = signatureOf(parseGraph(identity.graph()));
const definition = defineModel("broken", identity.json, signature);
const chain = modelChain(definition, () => null);

test("changes of the parameters leave nothing behind", async () => {
  let params: StreamParams = {
    prompts: [],
    model: "broken",
    fit: "cover",
    paused: false,
    model_params: {},
  };
  const stage = new InferStage({
    calls: UNRECORDED_CALLS,
    host: {
      acquire: async () => {
        throw new WorkerError("model_failed", "broken");
      },
      chain: async () => chain,
      loading: () => null,
      loadDeadlineMs: 1000,
      prompts: { encode: async () => new Float32Array(1) },
    },
    pool: new FramePool(),
    key: "s",
    hasInput: true,
    deadlineOf: () => Number.POSITIVE_INFINITY,
    params: () => params,
    observer: new RecordingObserver(),
  });
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
  stage.dispose();
});
