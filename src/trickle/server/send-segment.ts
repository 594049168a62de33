/** Answers a GET with a segment, as its bytes come in. */
import { untilAborted } from "../../streams/until-aborted.ts";
import { bare } from "./bare-response.ts";
import type { Channel } from "./channel.ts";
import type { SegmentBuffer } from "./segment-buffer.ts";
import type { Transfers } from "./transfers.ts";

export interface SendOptions {
  readonly channel: Channel;
  readonly segment: SegmentBuffer;
  /** The channel's next sequence number when the request came. */
  readonly latest: number;
  /** Aborts when the reader is gone. */
  readonly signal: AbortSignal;
  readonly transfers: Transfers;
  /** Closes the connection of a reader that takes nothing. */
  readonly disconnect: () => void;
  /** Called when the last byte was taken or the reader is gone. */
  readonly onEnd: () => void;
}

/** Responds once the segment has a byte or has ended. The body follows the segment live. */
export async function sendSegment(options: SendOptions): Promise<Response> {
  const { channel, segment, latest, signal } = options;
  const release = segment.retain();
  let ended = false;
  const end = () => {
    if (ended) return;
    ended = true;
    release();
    options.onEnd();
  };
  const seq = { "Lp-Trickle-Seq": String(segment.seq) };
  let read = segment.read(0);
  while (read.kind === "wait" && !signal.aborted) {
    await untilAborted(read.changed, signal);
    read = segment.read(0);
  }
  // A reader that has left never pulls the body nor cancels it.
  if (read.kind !== "data" || signal.aborted) {
    end();
    const state = channel.isClosed
      ? { "Lp-Trickle-Closed": "terminated" }
      : { "Lp-Trickle-Latest": String(channel.nextWrite) };
    return bare(200, null, { ...seq, ...state });
  }
  return new Response(bodyOf(options, end), {
    headers: {
      ...seq,
      ...(channel.mime === "" ? {} : { "Content-Type": channel.mime }),
      ...(segment.seq === latest ? {} : { "Lp-Trickle-Latest": String(latest) }),
    },
  });
}

/** Errors without a reason where it breaks off: Bun.serve would print one, with its stack, for every reader. */
function bodyOf(
  { segment, signal, transfers, disconnect }: SendOptions,
  end: () => void,
): ReadableStream<Uint8Array> {
  let position = 0;
  let takenAt = performance.now();
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const remove = transfers.add({
    waitingSince: () => (segment.read(position).kind === "wait" ? null : takenAt),
    cut() {
      finish();
      controller.error();
      disconnect();
    },
  });
  const finish = () => {
    signal.removeEventListener("abort", finish);
    remove();
    end();
  };
  // A stream that was not pulled yet when its reader left may never be cancelled.
  signal.addEventListener("abort", finish, { once: true });
  return new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given;
      },
      // Called only when the socket has room.
      async pull() {
        takenAt = performance.now();
        let read = segment.read(position);
        while (read.kind === "wait" && !signal.aborted) {
          await untilAborted(read.changed, signal);
          takenAt = performance.now();
          read = segment.read(position);
        }
        switch (read.kind) {
          case "data":
            position += read.data.byteLength;
            controller.enqueue(read.data);
            return;
          case "end":
            finish();
            controller.close();
            return;
          case "lost":
            finish();
            controller.error();
            return;
          case "wait":
            finish();
            return;
          default:
            read satisfies never;
        }
      },
      cancel: finish,
    },
    { highWaterMark: 0 },
  );
}
