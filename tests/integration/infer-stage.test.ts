/** The infer stage by itself, with a host whose models load at once. */
import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { FramePool, type Tick, type VideoFrame } from "../../src/engine/codec/video-frame.ts";
import { TooLate } from "../../src/engine/device/job.ts";
import type {
  InferenceJob,
  InferenceResult,
  LoadedModel,
} from "../../src/engine/device/loaded-model.ts";
import { identity } from "../../src/engine/models/built-in/identity.ts";
import { defineModel } from "../../src/engine/models/define-model.ts";
import { modelChain } from "../../src/engine/models/model-chain.ts";
import { parseGraph, signatureOf } from "../../src/engine/models/tensor-signature.ts";
import { type InferOptions, InferStage } from "../../src/engine/plan/infer-stage.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import { WorkerError } from "../../src/errors.ts";
import { ticks } from "../../src/media/time.ts";
import { StageGroup } from "../../src/streams/stage.ts";
import { FakeModel } from "../support/fake-model.ts";
import { flatFrame } from "../support/loading-stream.ts";
import { RecordingObserver } from "../support/recording-observer.ts";
import { waitFor } from "../support/wait-for.ts";

const CHANGES = 3000;

const signature = signatureOf(parseGraph(identity.graph()));
const definition = defineModel("broken", identity.json, signature);
const chain = modelChain(definition, () => null);

type Acquire = (name: string) => Promise<LoadedModel>;

/** A stage whose models come from `acquire`. */
const stageOf = (
  acquire: Acquire,
  params: () => StreamParams,
  options: Partial<InferOptions> = {},
): InferStage =>
  new InferStage({
    calls: UNRECORDED_CALLS,
    host: {
      acquire,
      chain: async () => chain,
      loading: () => null,
      planGraphs: () => Promise.reject(new Error("no graphs here")),
      loadDeadlineMs: 1000,
      prompts: { encode: async () => new Float32Array(1) },
    },
    workspace: "/nonexistent",
    pool: new FramePool(),
    key: "s",
    hasInput: true,
    deadlineOf: () => Number.POSITIVE_INFINITY,
    params,
    observer: new RecordingObserver(),
    ...options,
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

/** A stage in a pipeline, whose one model runs when the test says so. */
class ManualStage implements AsyncDisposable {
  readonly pool = new FramePool();
  readonly model: FakeModel;
  readonly answers: (() => void)[] = [];
  /** The times of the frames that have come out. */
  readonly out: number[] = [];
  readonly #stage: InferStage;
  readonly #stages = new StageGroup();
  readonly #writer: WritableStreamDefaultWriter<Tick | VideoFrame>;
  readonly #read: Promise<void>;
  #sent = 0;

  static async loaded(
    ...args: [typeof identity.json, Partial<InferOptions>?]
  ): Promise<ManualStage> {
    const made = new ManualStage(...args);
    await made.#stage.ready();
    return made;
  }

  private constructor(json: typeof identity.json, options: Partial<InferOptions> = {}) {
    this.model = new FakeModel(defineModel("m", json, signature), (job) => this.#answer(job));
    this.#stage = stageOf(
      async () => this.model,
      () => ({ ...PARAMS, model: "m" }),
      { pool: this.pool, ...options },
    );
    const { readable, writable } = this.#stages.add(this.#stage, 1);
    this.#writer = writable.getWriter();
    this.#read = (async () => {
      for await (const frame of readable) {
        this.out.push(frame.pts);
        frame[Symbol.dispose]();
      }
    })();
    this.#read.catch(() => {});
  }

  /** Sends frames into the stage. */
  send(count: number): void {
    for (let at = 0; at < count; at++) {
      const time = { pts: ticks(this.#sent++), arrivedAt: performance.now() };
      void this.#writer.write(this.pool.adopt(flatFrame(), time)).catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#read;
    await this.#stages.settled();
    expect(this.pool.live).toBe(0);
  }

  async #answer(job: InferenceJob): Promise<InferenceResult> {
    const { deadline, picture } = job;
    if (deadline !== undefined && deadline < performance.now()) throw new TooLate();
    await new Promise<void>((resolve) => this.answers.push(resolve));
    return { picture, data: {}, inferenceMs: 1 };
  }
}

test("the next frame waits for the device while the model runs for the one before", async () => {
  await using stage = await ManualStage.loaded(identity.json);
  const { model, answers } = stage;
  stage.send(3);
  await waitFor("the first run", () => model.runs.length === 1);
  model.runs[0]?.onStart?.();
  await waitFor("the second run", () => model.runs.length === 2);
  expect(stage.out).toEqual([]);
  answers[0]?.();
  await waitFor("the first frame", () => stage.out.length === 1);
  expect(model.runs).toHaveLength(2); // the second has not begun
  model.runs[1]?.onStart?.();
  await waitFor("the third run", () => model.runs.length === 3);
  // Frames come out in their order, whatever the device does.
  answers[2]?.();
  answers[1]?.();
  await waitFor("all frames", () => stage.out.length === 3);
  expect(stage.out).toEqual([0, 1, 2]);
});

test("a model that looks at what became of the frame before has one run at a time", async () => {
  await using stage = await ManualStage.loaded({ ...identity.json, run: { skip_unchanged: true } });
  const { model, answers } = stage;
  stage.send(1);
  await waitFor("the first run", () => model.runs.length === 1);
  model.runs[0]?.onStart?.();
  stage.send(1);
  const begun = performance.now();
  await waitFor("time for a second run", () => performance.now() - begun > 100);
  expect(model.runs).toHaveLength(1);
  answers[0]?.();
  await waitFor("both frames", () => stage.out.length === 2);
  expect(model.runs).toHaveLength(1); // nothing has changed
});

test("of frames that are always too late every second one is made", async () => {
  await using stage = await ManualStage.loaded(identity.json, {
    deadlineOf: () => Number.NEGATIVE_INFINITY,
  });
  const { model, answers } = stage;
  stage.send(5);
  for (let made = 0; made < 2; made++) {
    await waitFor("a run", () => answers.length === made + 1);
    model.runs.at(-1)?.onStart?.(); // the next frame comes while it runs
    await waitFor("the next frame", () => model.runs.length === 2 * made + 3);
    answers[made]?.();
  }
  await waitFor("the frames", () => stage.out.length === 2);
  expect(stage.out).toEqual([1, 3]);
  expect(model.runs.map(({ deadline }) => deadline !== undefined)).toEqual([
    ...[true, false, true, false, true],
  ]);
});
