/** Draws one fault and one change of parameters after the other, and records what became of them. */
import { reason } from "../../src/errors.ts";
import type { Fault } from "../faults/rig/fault.ts";
import type { Worker } from "../faults/rig/worker.ts";
import { drawChange } from "./changes.ts";
import { Dice } from "./dice.ts";
import type { Strike } from "./record.ts";
import type { SoakStream } from "./streams/soak-stream.ts";
import { strike, suits } from "./strike.ts";
import { isStarved, late } from "./verdict.ts";

export interface RoundsOptions {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly worker: Worker;
  readonly streams: readonly SoakStream[];
  /** Milliseconds since the start of the run. */
  readonly clock: () => number;
}

/** An engine's death is logged and printed in the round after it, too. */
const ROUNDS_TO_EXPLAIN = 2;

export class Rounds {
  readonly strikes: Strike[] = [];
  /** Faults that could not be brought about. */
  readonly misfires: string[] = [];
  readonly changes = new Map<SoakStream, number>();
  readonly #options: RoundsOptions;
  readonly #dice: Dice;
  /** The latest fault is last. */
  readonly #tried: Fault[] = [];

  constructor(options: RoundsOptions) {
    this.#options = options;
    this.#dice = new Dice(options.seed);
  }

  get isAfterProcessFault(): boolean {
    return this.#tried.slice(-ROUNDS_TO_EXPLAIN).some(({ family }) => family === "process");
  }

  /** `spareEngines`: no fault that ends an engine. Resolves with what happened, in words. */
  async next(spareEngines: boolean): Promise<string> {
    const { worker, streams, clock } = this.#options;
    await this.#change();
    const victim = this.#dice.pick(streams);
    // An engine on probation may die once: the second death ends its stream by contract.
    const isSparing = spareEngines || (await this.#anyIsolated());
    const faults = this.#options.faults.filter(
      (one) => suits(one, victim) && !(isSparing && one.neighboursMayPause),
    );
    if (faults.length === 0) return "no fault";
    // Families have different numbers of faults: one is drawn first.
    const family = this.#dice.pick([...new Set(faults.map((one) => one.family))]);
    const fault = this.#dice.pick(faults.filter((one) => one.family === family));
    const others = streams.filter((one) => one !== victim);
    await worker.ready();
    this.#tried.push(fault);
    try {
      const struck = await strike(fault, victim, others, worker, clock);
      this.strikes.push(struck);
      return inWords(struck);
    } catch (error) {
      const misfire = `${fault.name} at ${victim.name}: ${reason(error)}`;
      this.misfires.push(misfire);
      await liftAll(victim);
      return misfire;
    }
  }

  async #change(): Promise<void> {
    const stream = this.#dice.pick(this.#options.streams);
    await stream.change(drawChange(stream.name, this.#dice));
    this.changes.set(stream, (this.changes.get(stream) ?? 0) + 1);
  }

  async #anyIsolated(): Promise<boolean> {
    const { worker, streams } = this.#options;
    const all = await Promise.all(streams.map(({ id }) => worker.api.debug(id)));
    return all.some(({ engine }) => engine?.isolated === true);
  }
}

/** Whatever a fault that could not be brought about has left behind. */
async function liftAll({ trickle, input }: SoakStream): Promise<void> {
  for (const path of [trickle.input, trickle.output, trickle.side]) await path.clear();
  input?.restore();
}

function inWords(struck: Strike): string {
  const { fault, victim, resumedMs, neighbours } = struck;
  const others = neighbours.map(({ pauseMs }) => pauseMs).join(", ");
  const remark = late(struck).length > 0 ? " BROKEN BOUND" : isStarved(struck) ? " (busy)" : "";
  return `${fault} at ${victim}: ${resumedMs} ms, others ${others}${remark}`;
}
