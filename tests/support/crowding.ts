/** Measures how crowded the machine is: beside other programs, everything takes that many times longer. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** On a machine that is more crowded than this, times say nothing of the worker: they are not judged. */
export const MAX_CROWDING = 2;
const SAMPLE_MS = 50;

export class Crowding implements Disposable {
  readonly #timer: Timer;
  #samples = 0;
  #runnable = 0;

  constructor() {
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#sample();
  }

  /** Processes that wanted to run for each processor, on average; 1 where all could. */
  get factor(): number {
    return Math.max(1, this.#runnable / this.#samples / availableParallelism());
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    const [, runnable] = /(\d+)\/\d+/.exec(readFileSync("/proc/loadavg", "utf8")) ?? [];
    this.#runnable += Number(runnable);
    this.#samples++;
  }
}
