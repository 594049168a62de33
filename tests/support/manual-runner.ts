/** A runner whose runs end when the test says so. */
import type { BatchRunner } from "../../src/engine/device/job.ts";

export interface ManualRun {
  readonly items: readonly string[];
  /** Ends the run with each item in capitals. */
  finish(): Promise<void>;
  fail(error: Error): Promise<void>;
}

export class ManualRunner implements BatchRunner<string, string> {
  readonly maxBatch: number;
  /** See `BatchRunner`. */
  queues = false;
  thread?: object;
  /** In the order in which they began. */
  readonly runs: ManualRun[] = [];
  readonly #log: string[];

  /** Each run adds its items, joined by "+", to the log. */
  constructor(log: string[] = [], maxBatch = 1) {
    this.#log = log;
    this.maxBatch = maxBatch;
  }

  run(items: readonly string[]): Promise<readonly string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    this.#log.push(items.join("+"));
    this.runs.push({
      items,
      finish: async () => {
        resolve(items.map((item) => item.toUpperCase()));
        await settled();
      },
      fail: async (error) => {
        reject(error);
        await settled();
      },
    });
    return promise;
  }

  /** The run that began last. */
  get last(): ManualRun {
    const run = this.runs.at(-1);
    if (run === undefined) throw new Error("nothing has run");
    return run;
  }
}

/** Lets everything happen that waits for no timer. */
export async function settled(): Promise<void> {
  for (let tick = 0; tick < 20; tick++) await null;
}

/** What a promise was rejected with; null if it has not been rejected by now. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  const failure = promise.then(
    () => null,
    (error: unknown) => error,
  );
  return await Promise.race([failure, settled().then(() => null)]);
}
