/** Runs one fault in one phase of a stream, and measures what came of it. */
import { Crowding } from "../../support/crowding.ts";
import { gapsOf, longestPause } from "../../support/pauses.ts";
import { waitFor } from "../../support/wait-for.ts";
import type { FaultBench } from "./bench.ts";
import type { Fault, Phase } from "./fault.ts";
import type { Answer, Victim } from "./victim.ts";

/** Output counts as back once it has flowed for so long. */
const STEADY_MS = 1000;
/** A single blow, such as a death, may take as long to show. */
const BLOW_SHOWS_MS = 2000;
/** Output that has not come back by then is taken to be gone. */
const GIVE_UP_MS = 15_000;
/** Everything that a stream held is gone by then. */
const GONE_WITHIN_MS = 5000;

export interface Outcome {
  readonly fault: string;
  readonly phase: Phase;
  readonly beside: boolean;
  /** What the client got for its start; in the phase `stopping` for its stop. */
  readonly answer: Answer;
  /** `none` if it went on until it was stopped, `in order` if it ended before without an error, else the kind of error. */
  readonly end: string;
  /**
   * The longest pause of output after the fault was lifted, or struck if a single blow; until the first output where it
   * struck before the start. Null if output was not to be expected, or did not come back.
   */
  readonly pauseMs: number | null;
  /** The longest pause in all, while the fault lasted included. */
  readonly outageMs: number | null;
  /** From a control message, sent when the fault was over, until it took effect; null if it did not; absent if none was sent. */
  readonly obeyedMs?: number | null;
  /** Frames that are missing in the victim's output, by media time. */
  readonly lost: number;
  /** Pauses of each neighbour, in ms. */
  readonly gaps: readonly (readonly number[])[];
  /** Frames that are missing in the neighbours' output. */
  readonly neighboursLost: number;
  /** From the request to stop until the stream was over; null if it did not end. */
  readonly stopMs: number | null;
  readonly leaks: readonly string[];
  /** How many times slower the machine was than an idle one. */
  readonly crowding: number;
}

/** The part of an outcome that a phase measures. */
type Course = Pick<Outcome, "answer" | "end" | "pauseMs" | "outageMs" | "stopMs" | "obeyedMs">;

export async function runCase(
  bench: FaultBench,
  fault: Fault,
  { phase, beside }: { readonly phase: Phase; readonly beside: boolean },
): Promise<Outcome> {
  await fault.prepare?.(bench.worker);
  const before = await bench.baseline(fault);
  using crowding = new Crowding();
  await using victim = await bench.victim(fault);
  const neighbours = beside ? await bench.neighbours() : null;
  neighbours?.reset();
  const course = await COURSES[phase](victim, fault);
  const beyond = neighbours?.measure() ?? { gaps: [], lost: 0 };
  await neighbours?.stop();
  const deadline = performance.now() + GONE_WITHIN_MS * crowding.factor;
  return {
    fault: fault.name,
    phase,
    beside,
    ...course,
    lost: phase === "stopping" ? 0 : victim.lost,
    gaps: beyond.gaps,
    neighboursLost: beyond.lost,
    crowding: crowding.factor,
    leaks: await bench.leaks(before, deadline),
  };
}

const COURSES: Readonly<Record<Phase, (victim: Victim, fault: Fault) => Promise<Course>>> = {
  starting: async (victim, fault) => {
    const struck = await strike(victim, fault);
    const started = victim.start();
    await struck.lasted;
    const answer = await started;
    const liftedAt = performance.now();
    const course =
      answer.status === 200
        ? await observe(victim, fault, { struckAt: liftedAt, liftedAt })
        : { end: "none", pauseMs: null, outageMs: null };
    await struck.lift();
    return { answer, ...course, stopMs: await stop(victim) };
  },
  running: async (victim, fault) => {
    const answer = await victim.start();
    await victim.flows();
    victim.output.reset();
    const struckAt = performance.now();
    const struck = await strike(victim, fault);
    await struck.lasted;
    const liftedAt = fault.lastsMs > 0 ? performance.now() : struckAt;
    const [course, obeyedMs] = await Promise.all([
      observe(victim, fault, { struckAt, liftedAt }),
      fault.obeysWithinMs === undefined ? undefined : victim.obeys(),
    ]);
    await struck.lift();
    const obeyed = obeyedMs === undefined ? {} : { obeyedMs };
    return { answer, ...course, ...obeyed, stopMs: await stop(victim) };
  },
  stopping: async (victim, fault) => {
    await victim.start();
    await victim.flows();
    const struck = await strike(victim, fault);
    const begun = performance.now();
    const answer = await victim.stop();
    const stopMs = await over(victim, begun);
    // Nothing of a stream that is over reads input; its connections to channels may still be on their way out.
    if (fault.family !== "input") await struck.lasted;
    await struck.lift();
    const { kind: end } = await victim.ending();
    return { answer, end, pauseMs: null, outageMs: null, stopMs };
  },
};

/** `lasted` settles when the fault has lasted its time and was lifted; `lift` lifts it at once, or a single blow. */
async function strike(
  victim: Victim,
  { lastsMs, inject }: Fault,
): Promise<{ readonly lasted: Promise<void>; lift(): Promise<void> }> {
  const undo = await inject(victim.site);
  let lifting: Promise<void> | null = null;
  const lift = () => {
    lifting ??= undo();
    return lifting;
  };
  const lasted = lastsMs > 0 ? Bun.sleep(lastsMs).then(lift) : Promise.resolve();
  return { lasted, lift };
}

/** Watches the output until it is steady again, or the stream is over, or it is time to give up. */
async function observe(
  victim: Victim,
  { lastsMs, showsWithinMs = lastsMs > 0 ? 0 : BLOW_SHOWS_MS }: Fault,
  { struckAt, liftedAt }: { readonly struckAt: number; readonly liftedAt: number },
): Promise<Pick<Outcome, "end" | "pauseMs" | "outageMs">> {
  const { output } = victim;
  const leastMs = Math.max(STEADY_MS, showsWithinMs);
  const isSteady = () => {
    const now = performance.now();
    return (
      now - liftedAt > leastMs &&
      output.arrivals.some((at) => at > liftedAt && at < now - STEADY_MS) &&
      gapsOf(output.arrivals, now - STEADY_MS, now).length === 0
    );
  };
  let { isOver, kind } = await victim.ending();
  while (!isOver && !isSteady() && performance.now() - liftedAt < showsWithinMs + GIVE_UP_MS) {
    await Bun.sleep(50);
    ({ isOver, kind } = await victim.ending());
  }
  if (isOver) return { end: kind === "none" ? "in order" : kind, pauseMs: null, outageMs: null };
  if (!isSteady()) return { end: "none", pauseMs: null, outageMs: null };
  const last = output.arrivals.at(-1) ?? liftedAt;
  return {
    end: "none",
    pauseMs: Math.round(longestPause(output.arrivals, liftedAt, last)),
    outageMs: Math.round(longestPause(output.arrivals, struckAt, last)),
  };
}

async function stop(victim: Victim): Promise<number | null> {
  const begun = performance.now();
  if ((await victim.ending()).isOver) return 0;
  await victim.stop();
  return await over(victim, begun);
}

/** Time until the stream is over; null if that takes too long. */
async function over(victim: Victim, begun: number): Promise<number | null> {
  try {
    await waitFor("the end", async () => (await victim.ending()).isOver);
    return Math.round(performance.now() - begun);
  } catch {
    return null;
  }
}
