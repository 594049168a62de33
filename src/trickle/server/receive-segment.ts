/** Reads the body of a POST into its segment. */
import { bare, CLOSE } from "./bare-response.ts";
import type { Channel } from "./channel.ts";
import type { Quota } from "./quota.ts";
import type { SegmentBuffer, SegmentWrite } from "./segment-buffer.ts";
import type { Transfers } from "./transfers.ts";

export interface ReceiveOptions {
  readonly channel: Channel;
  readonly segment: SegmentBuffer;
  readonly body: ReadableStream<Uint8Array> | null;
  /** Pays for the bytes. */
  readonly quota: Quota;
  readonly transfers: Transfers;
}

/**
 * Responds when the body ends, when the segment is closed before its first byte, or when a limit is reached. What is
 * posted to a finished segment is read and thrown away, as in go-livepeer.
 */
export async function receiveSegment(options: ReceiveOptions): Promise<Response> {
  const { channel, segment, quota, transfers } = options;
  const seq = { "Lp-Trickle-Seq": String(segment.seq) };
  const reader = (options.body ?? emptyBody()).getReader();
  const cancel = () => void reader.cancel().catch(() => {}); // the publisher may be gone already
  let readAt = performance.now();
  let isCut = false;
  const remove = transfers.add({
    // An open segment may pause for as long as its channel is not idle.
    waitingSince: () => (segment.isClosed ? readAt : null),
    cut() {
      isCut = true;
      cancel();
    },
  });
  let started = false;
  try {
    const first = reader.read();
    let read = segment.isClosed ? await first : await Promise.race([first, segment.closed]);
    if (read === undefined) {
      cancel();
      channel.recordStart(segment.seq);
      const closed = channel.isClosed ? { "Lp-Trickle-Closed": "terminated" } : {};
      return bare(200, null, { ...seq, ...closed, ...CLOSE });
    }
    for (; !read.done; read = await reader.read()) {
      readAt = performance.now();
      if (read.value.byteLength === 0) continue;
      if (!started) channel.recordStart(segment.seq);
      else if (!segment.isClosed) channel.recordBytes();
      started = true;
      const result = segment.write(read.value, quota);
      if (result === "ok") continue;
      segment.close();
      cancel();
      return refusal(result);
    }
  } catch {
    // The publisher is gone. Its segment stays open until it is deleted, reset or replaced, as in go-livepeer.
    return bare(500, "Server error");
  } finally {
    remove();
  }
  if (!started) channel.recordStart(segment.seq);
  segment.close();
  return bare(200, null, isCut ? { ...seq, ...CLOSE } : seq);
}

function refusal(result: Exclude<SegmentWrite, "ok">): Response {
  if (result === "segment_full") return bare(413, "Segment too large", CLOSE);
  return result.scope === "peer"
    ? bare(429, `Too many bytes held for this address (at most ${result.limit})`, CLOSE)
    : bare(507, "No memory left for segments", CLOSE);
}

const emptyBody = () =>
  new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
