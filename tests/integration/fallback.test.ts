/** What a stream with a fallback shows while its model gives no pictures. */
import { expect, test } from "bun:test";
import type { InferenceJob, InferenceResult } from "../../src/engine/device/loaded-model.ts";
import { WorkerError } from "../../src/errors.ts";
import { ticks } from "../../src/media/time.ts";
import { INTERVAL_MS, ShownStage, STALL_MS, white } from "../support/shown-stage.ts";
import { waitFor } from "../support/wait-for.ts";

/** A model whose runs the test ends one by one, in order. */
function manual(stage: ShownStage) {
  const runs: { readonly draw: () => void; readonly fail: (error: Error) => void }[] = [];
  let isBusy = false;
  stage.answer = (job: InferenceJob) =>
    new Promise<InferenceResult>((resolve, fail) => {
      if (!isBusy) job.onStart?.();
      runs.push({ draw: () => resolve(white(job)), fail });
    });
  return {
    /** Resolves when a run waits. */
    begun: () => waitFor("a run", () => runs.length > 0),
    draw: () => runs.shift()?.draw(),
    /** The device does not begin with further runs. */
    busy() {
      isBusy = true;
    },
    /** The first run never ends. */
    hang: () => void runs.shift(),
    fail: (message: string) => runs.shift()?.fail(new WorkerError("model_failed", message)),
    /** From now on, runs end at once. */
    release() {
      stage.answer = (job) => {
        job.onStart?.();
        return white(job);
      };
      for (const run of runs.splice(0)) run.draw();
    },
  };
}

/** Milliseconds of media before each frame without another one: of the input's own time, whatever the machine's load. */
const gaps = ({ frames }: ShownStage, from = 0): number[] =>
  frames.slice(from).map(({ pts }, n) => (pts - (frames[from + n - 1]?.pts ?? 0)) / 90);

const longestGap = (stage: ShownStage, from: number): number => Math.max(...gaps(stage, from));

test.concurrent("a picture that is shown again keeps its memory", async () => {
  const run = { skip_unchanged: true };
  await using stage = new ShownStage({ fallback: null, input: "still", run });
  await stage.shown("model", 20);
  expect(stage.order).toEqual(["model"]);
});

test.concurrent("a pause shows the fallback at once and at the input's rate, runs no model, and ends with a live picture", async () => {
  await using stage = new ShownStage();
  await stage.shown("model", 5);
  const pausedAt = performance.now();
  stage.update({ paused: true });
  expect(stage.observer.shown).toEqual(["live", "paused"]); // before a frame shows it
  await stage.shown("slate");
  expect(performance.now() - pausedAt).toBeLessThan(500);
  await stage.shown("slate", 3); // a frame that was taken before may be about to run
  const { length: runs } = stage.model.runs;
  const from = stage.frames.length;
  await stage.shown("slate", 20);
  expect(stage.model.runs).toHaveLength(runs);
  expect(longestGap(stage, from)).toBeLessThan(5 * INTERVAL_MS);
  stage.update({ paused: false });
  await stage.shown("model", 5);
  expect(stage.order).toEqual(["model", "slate", "model"]);
  expect(stage.observer.shown).toEqual(["live", "paused", "live"]);
});

test.concurrent("a pause shows the fallback although a run hangs, whose picture is not shown after the pause", async () => {
  await using stage = new ShownStage();
  await stage.shown("model", 3);
  const model = manual(stage);
  await model.begun();
  stage.update({ paused: true });
  await stage.shown("slate", 5);
  const first = stage.frames.findIndex(({ shows }) => shows === "slate");
  expect(gaps(stage)[first]).toBeLessThan(STALL_MS / 2); // the pause, not the stall
  const { framesProcessed } = stage.observer;
  model.draw();
  await stage.shown("slate", 5);
  stage.update({ paused: false });
  expect(stage.observer.framesProcessed).toBe(framesProcessed);
  model.release();
  await stage.shown("model", 3);
  expect(stage.order).toEqual(["model", "slate", "model"]);
});

test.concurrent("frames that a model fails to draw show the fallback until it succeeds, and failures are counted", async () => {
  await using stage = new ShownStage();
  await stage.shown("model", 3);
  stage.answer = () => Promise.reject(new WorkerError("model_failed", "it is broken"));
  await stage.shown("slate", 5);
  expect(stage.observer.runsFailed).toBeGreaterThanOrEqual(5);
  expect(stage.observer.troubles.map(({ message }) => message)).toEqual(["it is broken"]);
  stage.answer = white;
  await stage.shown("model", 3);
  expect(stage.order).toEqual(["model", "slate", "model"]);
  expect(stage.observer.shown).toEqual(["live", "fallback: model_failed", "live"]);
  expect(stage.observer.recovered).toContain("model");
  const { framesProcessed, framesFallback, runsFailed } = stage.observer;
  expect(framesFallback).toBe(runsFailed);
  expect(framesProcessed + framesFallback - stage.frames.length).toBeWithin(0, 3); // some are not read yet
});

test.concurrent("frames pass by a run that hangs, at the input's rate, and the model's picture takes a later time", async () => {
  await using stage = new ShownStage();
  await stage.shown("model", 3);
  const model = manual(stage);
  await model.begun();
  await stage.shown("slate");
  const first = stage.frames.findIndex(({ shows }) => shows === "slate");
  expect(gaps(stage)[first]).toBeWithin(STALL_MS / 2, 2 * STALL_MS);
  const since = stage.frames.length;
  await stage.shown("slate", 20);
  expect(longestGap(stage, since)).toBeLessThan(5 * INTERVAL_MS);
  expect(stage.observer.shown.at(-1)).toBe("fallback: stalled");
  expect(stage.model.runs.length - stage.observer.framesInferred).toBeLessThanOrEqual(2); // runs do not pile up
  model.draw();
  await stage.shown("model");
  model.release();
  await stage.shown("model", 5);
  expect(stage.order.slice(0, 3)).toEqual(["model", "slate", "model"]);
  expect(stage.observer.shown.at(-1)).toBe("live");
});

test.concurrent("every picture of a model that takes longer than viewers wait is shown", async () => {
  await using stage = new ShownStage();
  await stage.shown("model", 3);
  const model = manual(stage);
  await stage.shown("slate");
  const from = stage.frames.length;
  for (let run = 0; run < 3; run++) {
    await model.begun();
    await stage.shown("slate", 2);
    model.draw();
    await stage.shown("model");
  }
  const later = stage.frames.slice(from).filter(({ shows }) => shows === "model");
  expect(later).toHaveLength(3);
  model.release();
});

test.concurrent("frames that pass by a run which fails in the end go on passing while the next one runs", async () => {
  await using stage = new ShownStage();
  await stage.shown("model", 3);
  const model = manual(stage);
  await model.begun();
  await stage.shown("slate");
  const since = stage.frames.length;
  for (let run = 0; run < 3; run++) {
    await model.begun();
    model.fail(`failure ${run}`);
    await stage.shown("slate", 5);
  }
  expect(longestGap(stage, since)).toBeLessThan(5 * INTERVAL_MS);
  expect(stage.observer.runsFailed).toBe(3);
  expect(stage.observer.shown.at(-1)).toBe("fallback: model_failed");
  model.release();
  await stage.shown("model", 3);
  expect(stage.order).toEqual(["model", "slate", "model"]);
});

test.concurrent("pictures are live again though a run never ends, once the model draws others", async () => {
  await using stage = new ShownStage();
  await stage.shown("model", 3);
  const model = manual(stage);
  await model.begun();
  model.hang();
  await model.begun();
  await stage.shown("slate");
  model.busy();
  model.fail("its thread is gone"); // what waited for the device behind it
  const since = stage.frames.length;
  await stage.shown("slate", 20);
  expect(longestGap(stage, since)).toBeLessThan(5 * INTERVAL_MS);
  model.release();
  await stage.shown("model", 5);
  expect(stage.order).toEqual(["model", "slate", "model"]);
  expect(stage.observer.shown.at(-1)).toBe("live");
});

test.concurrent("the first frame of a slow model is not waited for long", async () => {
  await using stage = new ShownStage();
  const model = manual(stage);
  await model.begun();
  await stage.shown("slate");
  expect(gaps(stage)[0]).toBeLessThan(STALL_MS);
  model.release();
  await stage.shown("model");
});

test.concurrent("while a model loads the fallback is shown without a label, within a second of the first frame", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using stage = new ShownStage({ loaded: promise, fallback: "passthrough" });
  const startedAt = performance.now();
  await stage.shown("input", 5);
  expect((stage.frames[0]?.at ?? 0) - startedAt).toBeLessThan(1000);
  expect(stage.observer.shown).toEqual(["fallback: loading"]);
  stage.update({ fallback: "default" });
  await stage.shown("slate", 5);
  resolve();
  await stage.shown("model", 3);
  expect(stage.order).toEqual(["input", "slate", "model"]);
  expect(stage.observer.shown).toEqual(["fallback: loading", "live"]);
});

test.concurrent("a stream without frames waits for its model while that loads, and for its first frame after that", async () => {
  const loaded = Promise.withResolvers<void>();
  await using stage = new ShownStage({ loaded: loaded.promise, input: "silent" });
  const { shown } = stage.observer;
  await waitFor("the load", () => shown.length > 0);
  loaded.resolve();
  await waitFor("the end of the load", () => shown.length > 1);
  expect(shown).toEqual(["fallback: loading", "fallback: starting"]);
});

test.concurrent("frames that another engine has sent change nothing about what viewers see", async () => {
  const after = ticks(20 * INTERVAL_MS * 90);
  await using stage = new ShownStage({ infer: { after } });
  await stage.shown("model");
  const [first] = stage.frames;
  expect(first?.pts).toBeLessThan(after);
  expect(stage.observer.shown).toEqual([]);
  await waitFor("a frame that is new", () => (stage.frames.at(-1)?.pts ?? 0) > after);
  expect(stage.observer.shown).toEqual(["live"]);
});

test.concurrent("frames that were taken while the model loads are shown for that reason, also after the load has ended", async () => {
  // Frames of this size are being made for longer than it takes until the next one is taken.
  const params = { size: { width: 2048, height: 2048 } };
  const show = async (waitMs: number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await using stage = new ShownStage({ loaded: promise, fallback: null, params });
    await stage.shown("input", 2);
    setTimeout(resolve, waitMs);
    await stage.shown("model");
    return stage.observer.shown;
  };
  for (const shown of await Promise.all([show(0), show(8), show(16)]))
    expect(shown).toEqual(["fallback: loading", "live"]);
});

test.concurrent("a stream that ends while a run hangs leaves nothing behind", async () => {
  const stage = new ShownStage();
  await stage.shown("model", 3);
  const model = manual(stage);
  await model.begun();
  await stage.shown("slate", 5);
  await stage[Symbol.asyncDispose]();
});

test.concurrent("without a fallback nothing comes out while a run hangs, and a pause passes frames through after it", async () => {
  await using stage = new ShownStage({ fallback: null });
  await stage.shown("model", 3);
  const model = manual(stage);
  await model.begun();
  const { length } = stage.frames;
  const since = performance.now();
  await waitFor("longer than a stall", () => performance.now() - since > 2 * STALL_MS);
  expect(stage.frames.length - length).toBeLessThanOrEqual(1); // one was under way
  stage.update({ paused: true });
  model.release();
  await stage.shown("input", 5);
  stage.update({ paused: false });
  await stage.shown("model", 3);
  expect(stage.order).toEqual(["model", "input", "model"]);
});

test.concurrent("a fallback that is set while a run hangs is shown, and what hangs is waited for again without it", async () => {
  await using stage = new ShownStage({ fallback: null });
  await stage.shown("model", 3);
  const model = manual(stage);
  await model.begun();
  const since = performance.now();
  await waitFor("longer than a stall", () => performance.now() - since > 2 * STALL_MS);
  stage.update({ fallback: "default" });
  await stage.shown("slate", 3);
  stage.update({ fallback: undefined } as object);
  model.release();
  await stage.shown("model", 3);
  expect(stage.order).toEqual(["model", "slate", "model"]);
});

test.concurrent("a model that has one run at a time has one, however a stream is paused and resumed", async () => {
  for (const fallback of ["default", null]) {
    await using stage = new ShownStage({ fallback, run: { skip_unchanged: true } });
    await stage.shown("model", 3);
    const model = manual(stage);
    await model.begun();
    const { length } = stage.model.runs;
    const pass = async () => {
      const since = performance.now();
      await waitFor("some frames", () => performance.now() - since > 5 * INTERVAL_MS);
    };
    await pass();
    // Both at once, so that no frame sees the pause.
    stage.update({ paused: true });
    stage.update({ paused: false });
    await pass();
    expect(stage.model.runs).toHaveLength(length);
    model.release();
    await stage.shown("model", 3);
  }
});

test.concurrent("a paused stream without input shows its fallback at the clock's rate, and nothing without one", async () => {
  await using shown = new ShownStage({ clock: true, params: { paused: true } });
  await shown.shown("slate", 20);
  expect(longestGap(shown, 1)).toBeLessThan(5 * INTERVAL_MS);
  expect(shown.observer.shown).toEqual(["paused"]);
  await using bare = new ShownStage({ clock: true, fallback: null, params: { paused: true } });
  await waitFor("some ticks", () => bare.observer.framesSkipped >= 5);
  expect(bare.frames).toEqual([]);
});
