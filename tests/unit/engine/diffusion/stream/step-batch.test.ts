/** The steps of successive frames in one batch: what comes out is what each frame gives alone, some frames later. */
import { expect, test } from "bun:test";
import type { Evaluate } from "../../../../../src/engine/diffusion/sampler/prompt-guidance.ts";
import {
  type SamplerRun,
  StepBatch,
} from "../../../../../src/engine/diffusion/stream/step-batch.ts";

/** The prediction is the input plus its timestep, and the number of evaluations of each call is noted. */
function network() {
  const calls: number[] = [];
  const evaluate: Evaluate = async (evaluations) => {
    calls.push(evaluations.length);
    return evaluations.map(({ input, timestep }) => input.map((value) => value + timestep));
  };
  return { calls, evaluate };
}

/** A run whose steps double what the network gives; the first one may ask for the negative prompt, too. */
const runFrom =
  (start: number, steps: number, { isGuided = false } = {}): SamplerRun =>
  async (evaluate) => {
    let x = Float32Array.of(start);
    for (let step = steps; step > 0; step--) {
      const row = { input: x, timestep: step } as const;
      const [positive, negative] = await evaluate([
        { ...row, prompt: "positive" },
        ...(isGuided && step === steps ? [{ ...row, prompt: "negative" } as const] : []),
      ]);
      x = Float32Array.of(2 * (positive?.[0] ?? 0) - (negative?.[0] ?? 0));
    }
    return x;
  };

const alone = async (run: SamplerRun) => [...(await run(network().evaluate))];

test.each([1, 2, 4])(
  "a still input gives its picture from the first frame on: %d steps",
  async (steps) => {
    const batch = new StepBatch();
    const { evaluate, calls } = network();
    const run = runFrom(3, steps, { isGuided: true });
    const expected = await alone(run);
    for (let frame = 0; frame < 7; frame++)
      expect([...(await batch.next(run, evaluate))]).toEqual(expected);
    // The first frame alone, step by step; then one call for all frames.
    const [first, ...others] = [2, ...new Array<number>(steps - 1).fill(1)];
    expect(calls.slice(0, steps)).toEqual([first as number, ...others]);
    expect(calls.slice(steps)).toEqual(new Array<number>(6).fill(steps + 1));
  },
);

test("each frame comes out once, as many frames later as it has further steps", async () => {
  const batch = new StepBatch();
  const { evaluate } = network();
  const drawn: number[][] = [];
  for (let frame = 0; frame < 8; frame++)
    drawn.push([...(await batch.next(runFrom(frame, 3), evaluate))]);
  const frames = [0, 0, 0, 1, 2, 3, 4, 5];
  expect(batch.latency).toBe(2);
  expect(drawn).toEqual(await Promise.all(frames.map((frame) => alone(runFrom(frame, 3)))));
});

test("a batch that is reset begins with the frame at hand", async () => {
  const batch = new StepBatch();
  const { evaluate } = network();
  for (let frame = 0; frame < 3; frame++) await batch.next(runFrom(frame, 4), evaluate);
  batch.reset();
  expect([...(await batch.next(runFrom(9, 2), evaluate))]).toEqual(await alone(runFrom(9, 2)));
  expect(batch.latency).toBe(1);
});

test("runs of more steps than those in flight are waited for, and none is lost", async () => {
  const batch = new StepBatch();
  const { evaluate } = network();
  const drawn: number[][] = [];
  const runs = [2, 2, 4, 4, 4, 0, 0].map((steps, frame) => runFrom(frame, steps));
  for (const run of runs) drawn.push([...(await batch.next(run, evaluate))]);
  const shown = [0, 0, 1, 2, 3, 4, 5].map((frame) => runs[frame] as SamplerRun);
  expect(drawn).toEqual(await Promise.all(shown.map(alone)));
});

test("after an error of the network the next frame is the first again", async () => {
  const batch = new StepBatch();
  const { evaluate } = network();
  const failing: Evaluate = async () => {
    throw new Error("out of memory");
  };
  await expect(batch.next(runFrom(1, 2), failing)).rejects.toThrow("out of memory");
  await batch.next(runFrom(1, 2), evaluate);
  await expect(batch.next(runFrom(2, 2), failing)).rejects.toThrow("out of memory");
  expect([...(await batch.next(runFrom(5, 2), evaluate))]).toEqual(await alone(runFrom(5, 2)));
});

test("a sampler that fails is an error of its frame", async () => {
  const batch = new StepBatch();
  const { evaluate } = network();
  await batch.next(runFrom(1, 2), evaluate);
  const broken: SamplerRun = async () => {
    throw new Error("no such schedule");
  };
  await expect(batch.next(broken, evaluate)).rejects.toThrow("no such schedule");
});
