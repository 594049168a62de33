/** Measures how crowded the machine is: on one that other programs use, everything takes that much longer. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

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
