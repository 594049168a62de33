/** Runs one batch job: admits it, reads its body, runs it within its deadline, and answers in one piece or as events. */
import type {
  Capability,
  ImageAccess,
  JobContext,
  StreamAccess,
} from "../../../capabilities/capability.ts";
import type { Size } from "../../../engine/protocol/work.ts";
import { describeUnexpected, reason, WorkerError } from "../../../errors.ts";
import { getLogger } from "../../../log.ts";
import { check } from "../../../schema-check.ts";
import { cut } from "../../../shown-value.ts";
import { pushable } from "../../../streams/push-readable.ts";
import { type Admission, type Place, pictureLoad } from "../../admission.ts";
import { checked } from "../../field-errors.ts";
import { IDLE_SECONDS } from "../connection-limits.ts";
import { isInternal, statusOf } from "../http-error.ts";
import { MAX_BATCH_BYTES, READ_TIMEOUT_MS, readJson } from "../json-body.ts";
import { eventStream, type JobOutcome, type JobProgress } from "./event-stream.ts";
import type { LivepeerJob } from "./livepeer-header.ts";
import type { HasSignal, RunningJob, RunningJobs } from "./running-jobs.ts";

const log = getLogger("http");

/** Of a caller's text in a log line: headers may be a megabyte. */
const SHOWN_CHARACTERS = 200;

export interface JobOptions {
  /** Longest job, in milliseconds; a caller may ask for less. */
  readonly batchTimeoutMs: number;
  /** Shared with streams. */
  readonly admission: Admission;
  readonly jobs: RunningJobs;
  readonly streams: StreamAccess;
  readonly images: ImageAccess;
}

/** The parts of its HTTP request that a job needs, and the place for the headers of its answer. */
export interface Call {
  readonly request: Request;
  readonly livepeer: LivepeerJob | null;
  readonly set: { readonly headers: Record<string, string | number> };
  /** Null for a request of this process. */
  readonly server: { timeout(request: Request, seconds: number): void } | null;
}

/**
 * Returns the job's answer, or a response of events where the caller asks for them. A job takes its place before its body
 * is read, so that a full server refuses it without reading; the deadline covers reading as well. Throws for all that is
 * refused before the work begins, so that it has a status in both cases.
 */
export async function runJob(
  capability: Capability,
  { request, livepeer, set, server }: Call,
  route: JobContext["route"],
  { batchTimeoutMs, admission, jobs, streams, images }: JobOptions,
): Promise<unknown> {
  const startedAt = performance.now();
  const { name, onDevice } = capability;
  warnOfOtherName(capability, livepeer);
  const total = Math.min(batchTimeoutMs, (livepeer?.timeout_seconds ?? Infinity) * 1000);
  // An orchestrator drops a capability whose connection is cut during a job (protocol.md 1.3); the deadline ends it anyway.
  if (total >= IDLE_SECONDS * 1000) server?.timeout(request, 0);
  const limits = (caller: HasSignal) => ({ total, deadline: startedAt + total, caller });
  const timeoutMs = total <= READ_TIMEOUT_MS ? null : READ_TIMEOUT_MS; // the job has a deadline of its own
  const read = async (job: RunningJob): Promise<unknown> => {
    const body = await readJson(request, { maxBytes: MAX_BATCH_BYTES, reader: job, timeoutMs });
    return checked(capability.input, body);
  };
  const offers = { route, streams, images };

  if (!onDevice) {
    const work = async (job: RunningJob) =>
      perform(capability, await read(job), job, { ...offers, reserve() {}, progress() {} });
    return answerOf(await logUndone(name, jobs.run(limits(request), work)), set);
  }

  using held = new DisposableStack();
  let place: Place | null = null;
  const begin = async (): Promise<unknown> => {
    admission.admit();
    place = held.use(admission.take());
    return await jobs.run(limits(request), read);
  };
  const input = await logUndone(name, begin());
  const reserve = (size: Size): void => place?.resize(pictureLoad(size));
  const run = (caller: HasSignal, progress: JobContext["progress"]) => {
    const places = held.move();
    const work = async (job: RunningJob): Promise<JobOutcome> => {
      using _places = places;
      return await perform(capability, input, job, { ...offers, reserve, progress });
    };
    return logUndone(name, jobs.run(limits(caller), work));
  };
  if (!wantsEvents(request, input)) return answerOf(await run(request, () => {}), set);

  const left = new AbortController();
  const steps = pushable<JobProgress>();
  const accepted = Promise.withResolvers<void>();
  const caller = { signal: AbortSignal.any([request.signal, left.signal]) };
  const outcome = run(caller, (step) => {
    steps.push({ step, elapsed_ms: Math.round(performance.now() - startedAt) });
    accepted.resolve();
  }).finally(() => steps.end());
  outcome.catch((error) => {
    if (isInternal(error))
      log.error("job failed", { capability: name, error: describeUnexpected(error) });
  });
  await Promise.race([accepted.promise, outcome]);
  return eventStream(steps.readable, outcome, () => left.abort());
}

/** Runs the capability. Throws `internal` for an answer that does not match its schema. */
async function perform(
  capability: Capability,
  input: unknown,
  job: RunningJob,
  offers: Omit<JobContext, "signal" | "describe">,
): Promise<JobOutcome> {
  let metadata: JobOutcome["metadata"] = null;
  const answer = await capability.run(input, {
    ...offers,
    get signal() {
      return job.signal;
    },
    describe: (given) => {
      metadata = given;
    },
  });
  if (check(capability.output).Check(answer)) return { answer, metadata };
  const message = `${capability.name} returned a body that does not match its output schema`;
  throw new WorkerError("internal", message);
}

/** The answer in one piece; its metadata goes into a header. */
function answerOf({ answer, metadata }: JobOutcome, set: Call["set"]): unknown {
  if (metadata !== null) set.headers["x-metadata"] = asciiJson(metadata);
  return answer;
}

function warnOfOtherName({ name, aliases }: Capability, livepeer: LivepeerJob | null): void {
  const header = livepeer?.capability;
  if (header !== undefined && header !== name && !aliases.includes(header))
    log.warn("the Livepeer header and the path name different capabilities", {
      name,
      header: cut(header, SHOWN_CHARACTERS),
    });
}

/** A refused gateway tries the next worker, so full capacity and missed deadlines show up only in this log. */
async function logUndone<T>(capability: string, job: Promise<T>): Promise<T> {
  try {
    return await job;
  } catch (error) {
    if (statusOf(error) >= 503)
      log.info("batch job refused or timed out", { capability, error: reason(error) });
    throw error;
  }
}

/** Orchestrators do not pass `Accept` on, so a member of the body can ask for events as well. */
function wantsEvents({ headers }: Request, input: unknown): boolean {
  if (Reflect.get(Object(input), "stream") === true) return true;
  return (headers.get("accept") ?? "").includes("text/event-stream");
}

/** JSON in the characters that a header may hold; names of models may have others. */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
