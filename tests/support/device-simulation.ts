/** Streams that share a device scheduler on a clock of their own: minutes of device time pass in milliseconds. */
import type { BatchRunner } from "../../src/engine/device/job.ts";
import { DeviceScheduler } from "../../src/engine/device/scheduler.ts";
import { settled } from "./manual-runner.ts";

/** A runner whose runs take a known time. */
export interface SimulatedRunner {
  /** Duration of a run with this many items. */
  readonly ms: (items: number) => number;
  readonly maxBatch?: number;
}

export interface SimulatedStream {
  readonly name: string;
  readonly runner: SimulatedRunner;
  /** Milliseconds from one frame to the next; absent: the next comes when the last is done. */
  readonly every?: number;
  /** Time of the first frame. */
  readonly from?: number;
  /** Time from the end of one run to the next job, in which the next frame is prepared. */
  readonly gapMs?: number;
}

interface Ran {
  readonly begun: number;
  readonly batch: number;
}

/** The runs that began within the simulated time, by the stream that had a frame in them. */
export class Runs {
  readonly #runs = new Map<string, Ran[]>();

  add(stream: string, ran: Ran): void {
    this.#runs.set(stream, [...(this.#runs.get(stream) ?? []), ran]);
  }

  /** Frames of a stream that were run, from a time on. */
  count(stream: string, since = 0): number {
    return this.#of(stream, since).length;
  }

  /** Mean number of items of the runs of a stream. */
  meanBatch(stream: string, since = 0): number {
    const ran = this.#of(stream, since);
    return ran.reduce((sum, { batch }) => sum + batch, 0) / ran.length;
  }

  #of(stream: string, since: number): Ran[] {
    return (this.#runs.get(stream) ?? []).filter(({ begun }) => begun >= since);
  }
}

/** Lets streams with equal `name`s share as one. */
export async function simulate(
  lanes: number,
  forMs: number,
  streams: readonly SimulatedStream[],
): Promise<Runs> {
  let now = 0;
  const due: { readonly at: number; readonly go: () => void }[] = [];
  const until = (time: number) => new Promise<void>((go) => void due.push({ at: time, go }));
  const scheduler = new DeviceScheduler({ lanes, now: () => now });
  const runners = new Map<SimulatedRunner, BatchRunner<string, Ran>>();
  const runnerFor = (of: SimulatedRunner): BatchRunner<string, Ran> => {
    const known = runners.get(of);
    if (known) return known;
    const made = {
      maxBatch: of.maxBatch ?? 1,
      run: async (items: readonly string[]) => {
        const ran = { begun: now, batch: items.length };
        await until(now + of.ms(items.length));
        return items.map(() => ran);
      },
    };
    runners.set(of, made);
    return made;
  };
  const runs = new Runs();
  const live = async ({ name, runner, every = 0, from = 0, gapMs = 1 }: SimulatedStream) => {
    await until(from);
    for (;;) {
      const job = { stream: name, item: name, batchKey: "same" };
      const { result } = await scheduler.submit(runnerFor(runner), job);
      runs.add(name, result);
      await until(Math.max(now + gapMs, result.begun + every));
    }
  };
  for (const stream of streams) live(stream).catch(() => {}); // ends when the scheduler is closed
  for (;;) {
    await settled();
    const next = due.toSorted((a, b) => a.at - b.at)[0];
    if (next === undefined || next.at > forMs) break;
    due.splice(due.indexOf(next), 1);
    now = next.at;
    next.go();
  }
  scheduler.close(new Error("over"));
  return runs;
}
