/** Sends the short requests about a channel as a whole: create it, ask for its next number, delete it. */
import { answerTimeout } from "../../answer-timeout.ts";
import { WorkerError } from "../../errors.ts";
import { shortageCode } from "../../machine-shortage.ts";
import { describeFailure } from "../../request-failure.ts";
import { Backoff } from "./backoff.ts";
import { channelHost, describeAnswer, describeMs, quote } from "./describe.ts";
import {
  sequenceNumber,
  type TrickleEndpoint,
  type TrickleResponse,
  trickleRequest,
} from "./request.ts";

/** How long a deletion may take. */
const DELETE_MS = 1000;

/** The server answered 503: it is alive, and takes no further request for now (live-runner.md 1, consequence a). */
export class ServerBusy extends Error {}

export interface AcceptOptions {
  readonly signal: AbortSignal;
  /** How long an answer may take. */
  readonly answerMs: number;
  /** For how long to ask again while the server is busy, or this machine cannot ask. Default `answerMs`. */
  readonly busyMs?: number;
}

/**
 * Asks whether a channel accepts us; `request` sends what is to be answered in time. Throws `channel_refused` with what
 * the peer answered, `engine_unavailable` where this machine cannot ask, or the signal's reason.
 */
export async function askAcceptance<T>(
  endpoint: TrickleEndpoint,
  request: (signal: AbortSignal) => Promise<T>,
  { signal, answerMs, busyMs = answerMs }: AcceptOptions,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new DOMException("busy", "TimeoutError")), busyMs);
  const whole = AbortSignal.any([signal, late.signal]);
  const once = async (): Promise<T> => {
    using late = answerTimeout(answerMs);
    return await request(AbortSignal.any([whole, late.signal]));
  };
  try {
    return await whileBusy(once, whole);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof WorkerError) throw error;
    if (shortageCode(error) !== null) throw cannotAsk(endpoint, error);
    const isSilent = error instanceof DOMException && error.name === "TimeoutError";
    const problem = isSilent ? `no answer within ${describeMs(answerMs)}` : describeFailure(error);
    throw refused(endpoint, problem, error);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Repeats a request while the server is busy, or this machine is short of what a connection takes. Throws what the request
 * throws; once `signal` aborts the last reason to wait, if there was one.
 */
async function whileBusy<T>(request: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const backoff = new Backoff(0);
  let busy: unknown;
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (signal.aborted) throw busy ?? error;
      if (!(error instanceof ServerBusy) && shortageCode(error) === null) throw error;
      busy = error;
      backoff.postpone();
      await backoff.wait(signal);
      if (signal.aborted) throw error;
    }
  }
}

/**
 * `POST {channel}`: creates a channel, or makes sure that it exists. Throws `channel_refused`, or another Error if a retry
 * may help.
 */
export async function createChannel(
  endpoint: TrickleEndpoint,
  contentType: string,
  signal: AbortSignal,
): Promise<void> {
  const headers = { "Expect-Content": contentType };
  const response = await trickleRequest(endpoint, { method: "POST", path: "", headers, signal });
  await accepted(endpoint, response);
}

/**
 * `GET {channel}/next`: the number of the segment to publish next. Throws `channel_refused`, or another Error if a
 * retry may help: `ServerBusy` after a 503.
 */
export async function nextSeq(endpoint: TrickleEndpoint, signal: AbortSignal): Promise<number> {
  const response = await trickleRequest(endpoint, { method: "GET", path: "/next", signal });
  const body = await accepted(endpoint, response);
  const seq = response.latest ?? sequenceNumber(body);
  if (seq !== null) return seq;
  throw refused(endpoint, `its server answered /next without a number: ${quote(body)}`);
}

/**
 * `DELETE {channel}/{seq}`: closes a segment that will get no end; one that does not exist counts as closed. Takes at most
 * a second. Throws if a retry may help: `ServerBusy` after a 503.
 */
export async function closeSegment(endpoint: TrickleEndpoint, seq: number): Promise<void> {
  using late = answerTimeout(DELETE_MS);
  await remove(endpoint, `/${seq}`, late.signal);
}

/** As `closeSegment`, for a segment that nobody closes if this fails. Never throws. */
export async function deleteSegment(endpoint: TrickleEndpoint, seq: number): Promise<void> {
  await bestEffortDelete(endpoint, `/${seq}`);
}

/** `DELETE {channel}`: ends the channel for all its readers. Best effort; takes at most a second, never throws. */
export async function deleteChannel(endpoint: TrickleEndpoint): Promise<void> {
  await bestEffortDelete(endpoint, "");
}

async function bestEffortDelete(endpoint: TrickleEndpoint, path: string): Promise<void> {
  using late = answerTimeout(DELETE_MS);
  const { signal } = late;
  // Where it fails the peer is gone, and perhaps the channel with it; if not, its idle sweep closes it.
  await whileBusy(() => remove(endpoint, path, signal), signal).catch(() => {});
}

async function remove(endpoint: TrickleEndpoint, path: string, signal: AbortSignal): Promise<void> {
  const response = await trickleRequest(endpoint, { method: "DELETE", path, signal });
  response.discard();
  const { status } = response;
  if (status === 503) throw new ServerBusy(describeAnswer(status, ""));
  if (status >= 500) throw new Error(describeAnswer(status, ""));
}

/** The body of a 200. */
async function accepted(endpoint: TrickleEndpoint, response: TrickleResponse): Promise<string> {
  const body = await response.text();
  if (response.closed) throw refused(endpoint, "it is closed");
  if (response.status === 200) return body;
  const quoted = quote(body);
  const problem = `its server answered ${response.status}${quoted === "" ? "" : `: ${quoted}`}`;
  if (response.status === 503) throw new ServerBusy(problem);
  if (isTransient(response.status)) throw new Error(problem);
  throw refused(endpoint, problem);
}

/** A server that fails, or is too busy or too early, for now. */
export const isTransient = (status: number): boolean =>
  status >= 500 || status === 408 || status === 425 || status === 429;

const cannotAsk = (endpoint: TrickleEndpoint, cause: unknown): WorkerError =>
  new WorkerError(
    "engine_unavailable",
    `cannot ask the channel at ${channelHost(endpoint)}: ${describeFailure(cause)}; raise its limits`,
    { cause },
  );

const refused = (endpoint: TrickleEndpoint, problem: string, cause?: unknown): WorkerError =>
  new WorkerError(
    "channel_refused",
    `the channel at ${channelHost(endpoint)} is not usable: ${problem}`,
    { cause },
  );
