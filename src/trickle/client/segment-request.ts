/** Hides how one segment is asked for: a GET that waits, is refreshed and retried until there is an answer. */
import { reason, WorkerError } from "../../errors.ts";
import { pause } from "../../streams/pause.ts";
import { type TrickleEndpoint, type TrickleResponse, trickleRequest } from "./request.ts";

/** What asking for a segment came to (protocol.md 4.3). */
export type Asked =
  /** Its first byte or its empty end is there; the body is the receiver's to read. */
  | { readonly kind: "segment"; readonly response: TrickleResponse }
  /** 470: the channel exists, the segment does not. */
  | { readonly kind: "missing"; readonly latest: number | null }
  /** The other side ended the channel. */
  | { readonly kind: "closed" }
  /** 404: there is no such channel, or no longer (protocol.md 4.2). */
  | { readonly kind: "gone"; readonly error: WorkerError }
  /** An `input_lost`, or the signal's reason. */
  | { readonly kind: "lost"; readonly error: unknown };

/** A GET under way. */
export interface SegmentRequest {
  readonly seq: number;
  /** Never rejects. */
  readonly answer: Promise<Asked>;
  /** Closes the connection, whether the answer is there or not. */
  cancel(): void;
}

export interface AskOptions {
  readonly signal: AbortSignal;
  /** A GET that waits is sent anew so often. */
  readonly refreshMs: number;
  /** Failures in a row are retried for so long, and at least four times. */
  readonly giveUpMs: number;
}

const TRIES = 5;
/** The longest pause between two tries. */
const MAX_PAUSE_MS = 2000;

/** Asks for a segment. Waits for it without limit; for a server that fails, as long as `giveUpMs` says. */
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
): Promise<Asked> {
  let failingSince = 0;
  for (let failures = 0; ; ) {
    const attempt = await tryOnce(endpoint, seq, signal, refreshMs);
    if (attempt.kind === "refresh") {
      failures = 0; // it was connected
      continue;
    }
    if (attempt.kind !== "failed") return attempt;
    if (++failures === 1) failingSince = performance.now();
    if (failures >= TRIES && performance.now() - failingSince >= giveUpMs) {
      const message = `channel ${endpoint.url}: segment ${seq} failed ${failures} times: ${attempt.message}`;
      return { kind: "lost", error: new WorkerError("input_lost", message) };
    }
    const step = Math.min(MAX_PAUSE_MS, failures < TRIES ? 400 : 400 * 2 ** (failures - TRIES));
    await pause(step * (0.75 + Math.random() / 2), signal);
  }
}

async function tryOnce(
  endpoint: TrickleEndpoint,
  seq: number,
  signal: AbortSignal,
  refreshMs: number,
): Promise<Asked | { kind: "refresh" } | { kind: "failed"; message: string }> {
  const attempt = new AbortController();
  const refresh = setTimeout(() => attempt.abort(), refreshMs);
  try {
    const response = await trickleRequest(endpoint, {
      method: "GET",
      path: `/${seq}`,
      signal: AbortSignal.any([signal, attempt.signal]),
    });
    clearTimeout(refresh);
    if (response.status === 200 && !response.closed) return { kind: "segment", response };
    const text = response.closed ? "" : await response.text().catch(() => "");
    response.discard();
    if (response.closed) return { kind: "closed" };
    if (response.status === 470) return { kind: "missing", latest: response.latest };
    const answered = `status ${response.status} ${text}`.trim();
    if (response.status >= 500) return { kind: "failed", message: answered };
    const message = `channel ${endpoint.url}: segment ${seq} was refused: ${answered}`;
    const error = new WorkerError("input_lost", message);
    return { kind: response.status === 404 ? "gone" : "lost", error };
  } catch (error) {
    if (signal.aborted) return { kind: "lost", error: signal.reason };
    if (attempt.signal.aborted) return { kind: "refresh" };
    return { kind: "failed", message: reason(error) };
  } finally {
    clearTimeout(refresh);
  }
}
