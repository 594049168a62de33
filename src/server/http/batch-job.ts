/** Hides how one batch job runs: checked, admitted, within its deadline, answered in one piece or as events. */
import type {
  Capability,
  ImageAccess,
  JobContext,
  StreamAccess,
} from "../../capabilities/capability.ts";
import { reason, WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { check } from "../../schema-check.ts";
import { pushable } from "../../streams/push-readable.ts";
import type { Admission } from "../admission.ts";
import { checked } from "../field-errors.ts";
import { eventStream, type JobOutcome, type JobProgress } from "./event-stream.ts";
import { statusOf } from "./http-error.ts";
import { within } from "./job-deadline.ts";
import { IDLE_SECONDS } from "./listen.ts";
import type { LivepeerJob } from "./livepeer-header.ts";

const log = getLogger("http");

export interface JobOptions {
  /** Longest job, in milliseconds; a caller may ask for less. */
  readonly batchTimeoutMs: number;
  /** Shared with streams. */
  readonly places: Admission;
  /** Aborts when the server ends; its reason is what unfinished jobs answer. */
  readonly closing: AbortSignal;
  readonly streams: StreamAccess;
  readonly images: ImageAccess;
}

/** What a job needs of its HTTP request, and where its answer's headers go. */
export interface Call {
  readonly request: Request;
  readonly body: unknown;
  readonly livepeer: LivepeerJob | null;
  readonly set: { readonly headers: Record<string, string | number> };
  /** Null where nothing listens. */
  readonly server: { timeout(request: Request, seconds: number): void } | null;
}

/**
 * The job's answer, or a response of events where the caller asks for them. What is refused before the work begins
 * throws in both cases: it has a status.
 */
export async function runJob(
  capability: Capability,
  { request, body, livepeer, set, server }: Call,
  caller: JobContext["caller"],
  { batchTimeoutMs, places, closing, streams, images }: JobOptions,
): Promise<unknown> {
  const begun = performance.now();
  const input = checked(capability.input, body);
  const { name, aliases, onDevice } = capability;
  const asked = livepeer?.capability;
  if (asked !== undefined && ![name, ...aliases].includes(asked))
    log.warn("the Livepeer header names another capability", { name, header: asked });
  const deadline = Math.min(batchTimeoutMs, (livepeer?.timeout_seconds ?? Infinity) * 1000);
  // A connection that is cut while a job runs costs the capability (protocol.md 1.3); the deadline ends it anyway.
  if (deadline >= IDLE_SECONDS * 1000) server?.timeout(request, 0);

  const run = (gone: AbortSignal, progress: JobContext["progress"]) => {
    const outcome = within({ deadline, gone, closing }, async (signal): Promise<JobOutcome> => {
      if (onDevice) places.admit();
      using _place = onDevice ? places.take() : null;
      let metadata: JobOutcome["metadata"] = null;
      const describe = (given: Readonly<Record<string, unknown>>) => {
        metadata = given;
      };
      const context = { caller, streams, images, progress, describe, signal };
      const answer = await capability.run(input, context);
      if (check(capability.output).Check(answer)) return { answer, metadata };
      throw new WorkerError(
        "internal",
        `${name} returned a body that does not match its output schema`,
      );
    });
    outcome.catch((error) => tellUndone(name, error));
    return outcome;
  };
  if (!onDevice || !wantsEvents(request, input)) {
    const { answer, metadata } = await run(request.signal, () => {});
    if (metadata !== null) set.headers["x-metadata"] = asciiJson(metadata);
    return answer;
  }
  const left = new AbortController();
  const steps = pushable<JobProgress>();
  const accepted = Promise.withResolvers<void>();
  const told = run(AbortSignal.any([request.signal, left.signal]), (step) => {
    steps.push({ step, elapsed_ms: Math.round(performance.now() - begun) });
    accepted.resolve();
  }).finally(() => steps.end());
  told.catch((error) => {
    if (!(error instanceof WorkerError))
      log.error("job failed", { capability: name, error: reason(error) });
  });
  await Promise.race([accepted.promise, told]);
  return eventStream(steps.readable, told, () => left.abort());
}

/** Gateways ask the next worker then: of full places and deadlines nobody hears but the log. */
function tellUndone(capability: string, error: unknown): void {
  if (statusOf(error) >= 503) log.info("job not done", { capability, error: reason(error) });
}

/** Orchestrators pass no Accept on, so a member of the body says it too. */
function wantsEvents({ headers }: Request, input: unknown): boolean {
  if (Reflect.get(Object(input), "stream") === true) return true;
  return (headers.get("accept") ?? "").includes("text/event-stream");
}

/** A header holds no other characters; names of models may. */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
