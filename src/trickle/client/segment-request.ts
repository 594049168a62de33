/** Asks for one segment: a GET that waits, is refreshed, and is retried until there is an answer. */
import { WorkerError } from "../../errors.ts";
import { describeFailure } from "../../request-failure.ts";
import { pause } from "../../streams/pause.ts";
import { isTransient } from "./channel-requests.ts";
import { channelHost, describeAnswer } from "./describe.ts";
import { type TrickleEndpoint, type TrickleResponse, trickleRequest } from "./request.ts";

/** The answer to a request for a segment (protocol.md 4.3). */
export type SegmentAnswer =
  /** Its first byte or its empty end has arrived. The receiver must read or discard the body. */
  | { readonly kind: "segment"; readonly response: TrickleResponse }
  /** 470: the channel exists, the segment does not. */
  | { readonly kind: "missing"; readonly latest: number | null }
  /** The other side ended the channel. */
  | { readonly kind: "closed" }
  /** 404: there is no such channel, or no longer (protocol.md 4.2). */
  | { readonly kind: "not_found"; readonly error: WorkerError }
  /** An `input_lost`, or the signal's reason. */
  | { readonly kind: "lost"; readonly error: unknown };

/** A GET under way. */
export interface SegmentRequest {
  readonly seq: number;
  /** Never rejects. */
  readonly answer: Promise<SegmentAnswer>;
  /** Closes the connection, whether the answer has arrived or not. */
  cancel(): void;
}

export interface AskOptions {
  readonly signal: AbortSignal;
  /** A waiting GET is replaced this often. */
  readonly refreshMs: number;
  /** Failures in a row are retried for this long, and at least four times. */
  readonly giveUpMs: number;
}

const TRIES = 5;
/** From one try to the next: a connection that broke is soon replaced, a server that fails is given time. */
const PAUSES_MS = [50, 400, 400, 400] as const;
const LONGEST_PAUSE_MS = 1000;

/** Asks for a segment and waits for it without limit, also while the server is busy. One that fails is retried for `giveUpMs`. */
export function askSegment(
  endpoint: TrickleEndpoint,
  seq: number,
  options: AskOptions,
): SegmentRequest {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  return {
    seq,
    answer: ask(endpoint, seq, { ...options, signal }),
    cancel: () => stop.abort(new DOMException("segment not wanted", "AbortError")),
  };
}

async function ask(
  endpoint: TrickleEndpoint,
  seq: number,
  { signal, refreshMs, giveUpMs }: AskOptions,
): Promise<SegmentAnswer> {
  let failingSince = 0;
  let failures = 0;
  for (let tries = 1; ; tries++) {
    const attempt = await askOnce(endpoint, seq, signal, refreshMs);
    if (attempt.kind === "refresh") {
      tries = failures = 0; // it was connected
      continue;
    }
    if (attempt.kind !== "busy" && attempt.kind !== "failed") return attempt;
    if (attempt.kind === "busy") failures = 0;
    else if (++failures === 1) failingSince = performance.now();
    if (failures >= TRIES && performance.now() - failingSince >= giveUpMs) {
      const message = `channel at ${channelHost(endpoint)}: segment ${seq} failed ${failures} times: ${attempt.message}`;
      return { kind: "lost", error: new WorkerError("input_lost", message) };
    }
    const step = PAUSES_MS[tries - 1] ?? LONGEST_PAUSE_MS;
    await pause(step * (0.75 + Math.random() / 2), signal);
  }
}

/** What one GET came to. */
export type Attempt =
  | SegmentAnswer
  /** It has waited for `refreshMs`. */
  | { readonly kind: "refresh" }
  /** 503: the server is alive, and takes no request for now. */
  | { readonly kind: "busy"; readonly message: string }
  | { readonly kind: "failed"; readonly message: string };

/** Sends one GET. Never rejects. */
export async function askOnce(
  endpoint: TrickleEndpoint,
  seq: number,
  signal: AbortSignal,
  refreshMs: number,
): Promise<Attempt> {
  const attempt = new AbortController();
  const refresh = setTimeout(() => attempt.abort(), refreshMs);
  try {
    const response = await trickleRequest(endpoint, {
      method: "GET",
      path: `/${seq}`,
      signal: AbortSignal.any([signal, attempt.signal]),
    });
    if (response.status === 200 && !response.closed) return { kind: "segment", response };
    // The text of a refusal may never end: the head decides then.
    const text = response.closed ? "" : await response.text().catch(() => "");
    response.discard();
    if (response.closed) return { kind: "closed" };
    if (response.status === 470) return { kind: "missing", latest: response.latest };
    const problem = describeAnswer(response.status, text);
    if (response.status === 503) return { kind: "busy", message: problem };
    if (isTransient(response.status)) return { kind: "failed", message: problem };
    const message = `channel at ${channelHost(endpoint)}: segment ${seq} was refused with ${problem}`;
    if (response.status === 404)
      return { kind: "not_found", error: new WorkerError("input_lost", message) };
    return { kind: "lost", error: new WorkerError("input_lost", message) };
  } catch (error) {
    if (signal.aborted) return { kind: "lost", error: signal.reason };
    if (attempt.signal.aborted) return { kind: "refresh" };
    return { kind: "failed", message: describeFailure(error) };
  } finally {
    clearTimeout(refresh);
  }
}
