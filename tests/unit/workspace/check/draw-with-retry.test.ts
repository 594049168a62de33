/** How `models check` goes on when a model's thread is lost during a run. */
import { expect, test } from "bun:test";
import type { Drawn, PlanJob } from "../../../../src/engine/plan/plan-result.ts";
import { ticks } from "../../../../src/media/time.ts";
import { drawWithRetry } from "../../../../src/workspace/check/trial.ts";

const job: PlanJob = {
  frame: null,
  pts: ticks(0),
  size: { width: 2, height: 2 },
  params: { model: "slow", prompts: [], fit: "cover", paused: false, model_params: {} },
};
const picture = { data: new Uint8Array(12), width: 2, height: 2 };
const drawn: Drawn = { picture, fit: "stretch", data: {}, inferenceMs: 1 };

/** Fails so many runs; with each one it loses its thread, or keeps it. */
class FailingExecutor {
  isStale = false;
  prepared = 0;
  #failures: number;
  readonly #losesThread: boolean;

  constructor(failures: number, thread: "lost" | "kept") {
    this.#failures = failures;
    this.#losesThread = thread === "lost";
  }

  async draw(): Promise<Drawn> {
    if (this.#failures-- <= 0) return drawn;
    this.isStale = this.#losesThread;
    throw new Error("a run hangs");
  }

  async prepare(): Promise<void> {
    this.prepared++;
    this.isStale = false;
  }
}

const outcome = (executor: FailingExecutor): Promise<unknown> =>
  drawWithRetry(executor, job).catch((error: Error) => error.message);

test("a frame whose thread is lost is drawn again by the next one", async () => {
  const executor = new FailingExecutor(2, "lost");
  expect(await outcome(executor)).toBe(drawn);
  expect(executor.prepared).toBe(2);
});

test("a model that loses three threads hangs", async () => {
  const executor = new FailingExecutor(3, "lost");
  expect(await outcome(executor)).toBe("a run hangs");
  expect(executor.prepared).toBe(2);
});

test("a run that fails is not repeated", async () => {
  const executor = new FailingExecutor(1, "kept");
  expect(await outcome(executor)).toBe("a run hangs");
  expect(executor.prepared).toBe(0);
});
