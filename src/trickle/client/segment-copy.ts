/** Delivers one segment to its end: goes on over a new connection where one breaks, and leaves a segment that stalls. */
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
  /** Asks for the segment again, from its first byte on; null if it cannot be had any more. */
  readonly again: () => Promise<TrickleResponse | null>;
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
  const { seq, next, signal, readTimeoutMs, again, onBreak, emit } = options;
  let response: TrickleResponse | null = options.response;
  let received = 0;
  let complete = false;
  /** A later segment has begun, so a silent one has probably lost its publisher. */
  let overtaken = false;
  let reading = true;
  let isLeft = false;
  const overdue = new SilenceTimer({
    afterMs: readTimeoutMs,
    onSilence: () => {
      isLeft = true;
      response?.discard();
    },
  });
  void next.answer.then(({ kind }) => {
    overtaken = kind === "segment";
    if (overtaken && reading) overdue.start();
  });
  try {
    while (response !== null && !complete) {
      const before = received;
      let known = received;
      try {
        for await (const piece of response.chunks()) {
          const data = known > 0 ? piece.subarray(known) : piece;
          known = Math.max(0, known - piece.byteLength);
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
        complete = true;
      } catch (error) {
        signal.throwIfAborted();
        onBreak(error);
        // A peer that breaks off again without another byte is not going to send the rest.
        response = isLeft || received === before ? null : await again();
      }
    }
  } finally {
    overdue.dispose();
  }
  if (received === 0) return complete ? "empty" : "broke_unread";
  const arrivedAt = performance.now();
  await emit({ seq, data: NOTHING, first: false, last: true, complete, arrivedAt });
  return "delivered";
}
