/** Lets one fault strike one of the streams, and measures what becomes of it and of its neighbours. */
import type { Fault } from "../faults/rig/fault.ts";
import type { Worker } from "../faults/rig/worker.ts";
import { CorePressure } from "./pressure.ts";
import type { Strike } from "./record.ts";
import type { SoakStream } from "./streams/soak-stream.ts";

/** Frames that arrive for so long without a pause are output that flows again. */
const STEADY_MS = 2000;
/** Beyond its bound, a fault is waited for this long. */
const PATIENCE_MS = 20_000;
const POLL_MS = 50;

/** True if the fault can strike the stream as it runs, and leaves it alive by contract. */
export function suits(
  fault: Fault,
  { name, input }: { readonly name: string; readonly input: object | null },
): boolean {
  const { phases, victim, params, flags, endsChannels } = fault;
  return (
    (phases === undefined || phases.includes("running")) &&
    fault.end === "none" &&
    fault.resumeWithinMs !== null &&
    endsChannels === undefined &&
    params === undefined &&
    flags === undefined &&
    (input !== null || !isOfInput(fault)) &&
    (victim !== "seed" || name.startsWith("seed"))
  );
}

/** Names begin with what is struck: the input's path, or the decoder by a picture of the input. */
const isOfInput = ({ family, name }: Fault): boolean =>
  family === "input" || name.startsWith("input:") || name.startsWith("decoder:");

/** `clock` is the time since the start of the run, in milliseconds. */
export async function strike(
  fault: Fault,
  victim: SoakStream,
  others: readonly SoakStream[],
  worker: Worker,
  clock: () => number,
): Promise<Strike> {
  const at = clock() / 1000;
  const { stats } = await worker.api.stream(victim.id);
  const { trickle, input } = victim;
  const stream = { id: victim.id, model: String(stats.model) };
  const pressure = new CorePressure();
  const struckAt = performance.now();
  const lift = await fault.inject({ trickle, input, worker, stream });
  await Bun.sleep(fault.lastsMs); // the fault itself
  const liftedAt = fault.lastsMs > 0 ? performance.now() : struckAt;
  await lift();
  const boundMs = fault.resumeWithinMs ?? 0;
  const deadline = performance.now() + boundMs + PATIENCE_MS;
  const all = [victim, ...others];
  const isSteady = ({ watch }: SoakStream) =>
    watch.flows && watch.resumedAfter(performance.now() - STEADY_MS) === 0;
  await Bun.sleep(STEADY_MS); // what strikes has effect only after some time
  while (!all.every(isSteady) && performance.now() < deadline) await Bun.sleep(POLL_MS);
  return {
    at,
    fault: fault.name,
    family: fault.family,
    victim: victim.name,
    boundMs,
    resumedMs: isSteady(victim) ? victim.watch.resumedAfter(liftedAt) : null,
    neighboursMayPause: fault.neighboursMayPause,
    pressure: pressure.share,
    neighbours: others.map(({ name, watch }) => ({ name, pauseMs: watch.longestPause(struckAt) })),
  };
}
