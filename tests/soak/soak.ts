/** The soak: four streams of one worker for a long time, under random faults and changes. Returns the record of what was seen. */
import { reason } from "../../src/errors.ts";
import { logId } from "../../src/log.ts";
import type { Fault } from "../faults/rig/fault.ts";
import { waitFor } from "../support/wait-for.ts";
import { emptied, leaksOf, rehearse, stopAll, usageOf, useEveryModel } from "./before-and-after.ts";
import { atRest } from "./changes.ts";
import { isExplained } from "./explained-lines.ts";
import { LogWatch } from "./log-watch.ts";
import { MemoryWatch } from "./memory-watch.ts";
import type { SoakRecord, StreamRecord } from "./record.ts";
import { Rounds } from "./rounds.ts";
import { type Stage, setStage } from "./stage.ts";
import type { SoakStream } from "./streams/soak-stream.ts";

export interface SoakPlan {
  readonly seed: number;
  readonly lengthMs: number;
  /** From one fault to the next. */
  readonly everyMs: number;
  readonly faults: readonly Fault[];
  /** Aborted to end the run early; its record says so. */
  readonly stop: AbortSignal;
  readonly onStep?: (step: string) => void;
  /** Gets the worker's log, line by line. */
  readonly onLog?: (text: string) => void;
}

/** Memory is measured after every so many faults, with all streams at the same parameters. */
export const FAULTS_A_SAMPLE = 3;
/** The first part of the run, in which memory is not judged: a server's levelled off after 20 minutes. */
const WARM_UP_SHARE = 0.22;
/** From here on engines are left alive, with all models loaded, so that their memory is measured over a long time, too. */
const CALM_SHARE = 0.5;
/** After that, engines warm up for this share of the run. */
const ENGINE_WARM_UP_SHARE = 0.15;
const END_MS = 15_000;
/** Another than any stream has had. */
const LAST_SIZE = { width: 256, height: 144 };

export async function soak(plan: SoakPlan): Promise<Omit<SoakRecord, "machine">> {
  const { seed, lengthMs, everyMs, stop, onStep = () => {} } = plan;
  const startedAt = new Date();
  let rounds: Rounds | null = null;
  const log = new LogWatch(
    (line) => isExplained(line, rounds?.isAfterProcessFault ?? false),
    plan.onLog,
  );
  await using stage = await setStage(log);
  const { worker } = stage;
  const memory = new MemoryWatch(worker);
  await using streams = new AsyncDisposableStack();
  const before = await rehearse(stage);
  const earlier = (await worker.usageRecords()).length;
  const all = await stage.startStreams();
  for (const one of all) streams.use(one);
  const begun = performance.now();
  const clock = () => performance.now() - begun;
  rounds = new Rounds({ seed, faults: plan.faults, worker, streams: all, clock });
  let broken: string | null = null;
  let calmAt: number | null = null;
  /** What fails ends the run, with a record of what was seen until then. */
  const seen = <T>(step: Promise<T>, otherwise: T): Promise<T> =>
    step.catch((error: unknown) => {
      broken ??= reason(error);
      return otherwise;
    });
  const sampleAtRest = async (): Promise<void> => {
    for (const stream of all) await stream.change(atRest(stream.name));
    await memory.sample(clock() / 1000);
  };
  for (let round = 0; clock() < lengthMs && broken === null; round++) {
    await Bun.sleep(Math.max(0, round * everyMs - clock())); // the plan's own time
    if (calmAt === null && clock() >= lengthMs * CALM_SHARE) {
      await seen(useEveryModel(all, worker), undefined);
      calmAt = clock();
    }
    const struck = await seen(rounds.next(calmAt !== null), "nothing");
    broken ??= stop.aborted ? reason(stop.reason) : await seen(endOf(all, stage), null);
    // A process that is just being replaced, or that gets no core, is measured the next time.
    if (round % FAULTS_A_SAMPLE === 0)
      await sampleAtRest().catch((error) => onStep(`no sample: ${reason(error)}`));
    onStep(`${(clock() / 1000).toFixed(0)} s: ${struck}${broken ? `; ${broken}` : ""}`);
  }
  const lastedMs = clock();
  const records: StreamRecord[] = [];
  for (const one of all) {
    const record = recordOf(one, stage, rounds.changes.get(one) ?? 0, lastedMs);
    records.push(
      ...(await seen(
        record.then((made) => [made]),
        [],
      )),
    );
  }
  await seen(stopAll(all, worker), undefined);
  const usage = await usageOf(all, worker, earlier);
  const after = await seen(emptied(worker, before), {});
  return {
    seed,
    minutes: lengthMs / 60_000,
    everyS: everyMs / 1000,
    startedAt: startedAt.toISOString(),
    strikes: rounds.strikes,
    misfires: rounds.misfires,
    streams: records,
    memory: memory.record({
      server: (lengthMs * WARM_UP_SHARE) / 1000,
      engines: ((calmAt ?? lastedMs) + lengthMs * ENGINE_WARM_UP_SHARE) / 1000,
    }),
    holdings: { start: before, end: after, leaks: leaksOf(before, after) },
    usage,
    log: { lines: log.lines, unexpected: log.unexpected, secrets: [...log.seen] },
    broken,
  };
}

/** Why the run cannot go on: a stream or the worker that has ended. */
async function endOf(streams: readonly SoakStream[], { worker }: Stage): Promise<string | null> {
  const exited = await Promise.race([worker.exited, Bun.sleep(0).then(() => null)]);
  if (exited !== null) return `the worker has exited with code ${exited}`;
  for (const { name, id, watch } of streams) {
    const { status, error } = await worker.api.stream(id);
    if (status !== "active") return `${name} is ${status}: ${error ?? "no error"}`;
    if (watch.end !== null) return `the output of ${name} has ended: ${watch.end}`;
  }
  return null;
}

async function recordOf(
  stream: SoakStream,
  { worker }: Stage,
  changes: number,
  lastedMs: number,
): Promise<StreamRecord> {
  const { name, id, watch } = stream;
  const flows = await happens("frames", () => watch.flows);
  const { status, stats } = await worker.api.stream(id);
  const obeys = flows && (await followsSize(stream));
  return {
    name,
    logId: logId(id),
    changes,
    flows,
    status,
    obeys,
    uptime: watch.flowedMs / lastedMs,
    frames: watch.frames,
    segments: watch.segments,
    longestPauseMs: watch.longestPause(0),
    restarts: stats.restarts,
    problems: stream.problems(),
  };
}

/** Whether pictures have the size that is asked for now. */
async function followsSize({ watch, change }: SoakStream): Promise<boolean> {
  await change({ ...LAST_SIZE, paused: false });
  return await happens("the size", () => watch.size?.width === LAST_SIZE.width);
}

const happens = (what: string, condition: () => boolean): Promise<boolean> =>
  waitFor(what, condition, END_MS).then(
    () => true,
    () => false,
  );
