/** What the device scheduler runs: jobs of streams, and the runners that take them. */

/**
 * A runner that queues gets its next run so long before the one in progress should end. Else it would stand idle between
 * two runs until the main thread has its turn, which garbage collection alone takes from it for some milliseconds. With
 * 2 ms a model of 10 ms reaches 0.93 of its bare loop on two cores, with 5 ms 0.97.
 */
export const LEAD_MS = 5;

/** Runs items together: one loaded program in its thread. */
export interface BatchRunner<Item, Result> {
  /** At most this many items in one run; 1: no batches. Read before each run. */
  readonly maxBatch: number;
  /** True if it takes its next run `LEAD_MS` before the last should end, and begins with it then. */
  readonly queues?: boolean;
  /** Runners with the same thread take turns in it: a run beside another of that thread needs no lane of its own. */
  readonly thread?: object;
  /** Returns one result per item, in order, or rejects for all of them. Unless it `queues`, it is called again only when that has settled. */
  run(items: readonly Item[]): Promise<readonly Result[]>;
}

/** One item to run. */
export interface Job<Item> {
  /** Device time is charged to it. */
  readonly stream: string;
  readonly item: Item;
  /** Jobs of one runner with the same key may run together; null: it runs alone. */
  readonly batchKey: string | null;
  /** Duration of the runner's first run with this item alone, in ms. */
  readonly expectedMs?: number;
  /** On the scheduler's clock: the job is refused with `TooLate` if its turn has not come by then. */
  readonly deadline?: number;
  /** Ends the wait; a run that has begun finishes first. */
  readonly signal?: AbortSignal;
  /** Called when its run begins. */
  readonly onStart?: () => void;
}

export interface Done<Result> {
  readonly result: Result;
  /** Device time charged to the stream: its share of the run. */
  readonly ms: number;
  /** Number of items that ran together. */
  readonly batch: number;
}

/** The turn of a job did not come before its deadline. It never ran, and its stream is not charged. */
export class TooLate extends Error {
  override readonly name = "TooLate";

  constructor() {
    super("the device was busy until after the job's deadline");
  }
}
