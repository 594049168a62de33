/** Delivers one segment: continues over a new connection if one breaks, and leaves a segment that stalls. */
import type { TrickleResponse } from "./request.ts";
import type { SegmentRequest } from "./segment-request.ts";
import { SilenceTimer } from "./silence-timer.ts";

/** A piece of a segment as it was read from the socket. */
export interface IncomingChunk {
  readonly seq: number;
  /** Empty in the chunk that ends a segment. */
  readonly data: Uint8Array;
  readonly first: boolean;
  /** Ends the segment. */
  readonly last: boolean;
  /** False in the `last` chunk of a segment that broke off. */
  readonly complete: boolean;
  /** `performance.now()` when it was read from the socket. */
  readonly arrivedAt: number;
}

export interface SegmentCopyOptions {
  readonly seq: number;
  readonly response: TrickleResponse;
  /** The request for the segment after it. */
  readonly next: SegmentRequest;
  readonly signal: AbortSignal;
  /** A segment that is silent for this long while a later one has begun is left. */
  readonly readTimeoutMs: number;
  /** Asks for the same segment again, from its first byte; null if it is gone, or the signal aborts. */
  readonly askAgain: (signal: AbortSignal) => Promise<TrickleResponse | null>;
  /** A connection broke. */
  readonly onBreak: (error: unknown) => void;
  /** Delivers a chunk; resolves when the consumer has room for another. */
  readonly emit: (chunk: IncomingChunk) => Promise<void>;
}

/** `broke_unread`: before its first byte. */
export type CopyOutcome = "delivered" | "empty" | "broke_unread";

const NOTHING = new Uint8Array(0);

/** Throws the signal's reason. */
export async function copySegment(options: SegmentCopyOptions): Promise<CopyOutcome> {
  const { seq, next, signal, readTimeoutMs, askAgain, onBreak, emit } = options;
  let response: TrickleResponse | null = options.response;
  let received = 0;
  let complete = false;
  /** A later segment has begun, so a silent one has probably lost its publisher. */
  let overtaken = false;
  let reading = true;
  const leave = new AbortController();
  const overdue = new SilenceTimer({
    afterMs: readTimeoutMs,
    onSilence: () => {
      leave.abort(new DOMException("the segment is silent", "AbortError"));
      response?.discard();
    },
  });
  void next.answer.then(({ kind }) => {
    overtaken = kind === "segment";
    if (overtaken && reading) overdue.start();
  });
  try {
    while (response !== null) {
      const before = received;
      /** Bytes that an earlier connection has brought. */
      let toSkip = received;
      try {
        for await (const piece of response.chunks()) {
          const data = toSkip > 0 ? piece.subarray(toSkip) : piece;
          toSkip = Math.max(0, toSkip - piece.byteLength);
          if (data.byteLength === 0) continue;
          // While the consumer is busy the peer is not waited for.
          reading = false;
          overdue.stop();
          const first = received === 0;
          received += data.byteLength;
          const arrivedAt = performance.now();
          await emit({ seq, data, first, last: false, complete: true, arrivedAt });
          reading = true;
          if (overtaken) overdue.start();
        }
        // A server that was restarted may have another segment of this number.
        complete = toSkip === 0;
        break;
      } catch (error) {
        signal.throwIfAborted();
        onBreak(error);
        // A peer that breaks off again without another byte is not going to send the rest.
        const isHopeless = leave.signal.aborted || received === before;
        response = isHopeless ? null : await askAgain(leave.signal);
      }
    }
  } finally {
    overdue.dispose();
  }
  signal.throwIfAborted();
  if (received === 0) return complete ? "empty" : "broke_unread";
  const arrivedAt = performance.now();
  await emit({ seq, data: NOTHING, first: false, last: true, complete, arrivedAt });
  return "delivered";
}
