/** Hides how a segment's bytes come in and go out of the embedded server, and with which headers. */
import type { Channel } from "./channel.ts";
import type { SegmentBuffer } from "./segment-buffer.ts";

export const CLOSE = { Connection: "close" };

/** An answer as go-livepeer gives it: a status, at most a line of text. */
export const bare = (
  status: number,
  text: string | null = null,
  headers: Record<string, string> = {},
): Response => new Response(text, { status, headers });

/** Takes a POST's body into its segment; answers when the body ends or the segment is closed before its first byte. */
export async function receiveSegment(
  channel: Channel,
  segment: SegmentBuffer,
  body: ReadableStream<Uint8Array> | null,
): Promise<Response> {
  const seq = { "Lp-Trickle-Seq": String(segment.seq) };
  const reader = (body ?? EMPTY()).getReader();
  // What is posted to a finished segment is read and thrown away.
  let waiting = !segment.isClosed;
  const closed = segment.closed.then(() => "closed" as const);
  let begun = false;
  try {
    for (;;) {
      const read = reader.read();
      const next = waiting ? await Promise.race([read, closed]) : await read;
      if (next === "closed") {
        read.catch(() => {});
        void reader.cancel().catch(() => {});
        channel.begun(segment.seq);
        const ended = channel.isClosed ? { "Lp-Trickle-Closed": "terminated" } : {};
        return bare(200, null, { ...seq, ...ended, ...CLOSE });
      }
      if (next.done) break;
      if (next.value.byteLength === 0) continue;
      if (!begun) channel.begun(segment.seq);
      begun = true;
      waiting = false;
      const result = segment.write(next.value);
      if (result !== "ok") {
        segment.close();
        void reader.cancel().catch(() => {});
        return result === "segment_full"
          ? bare(413, "Segment too large", CLOSE)
          : bare(507, "No memory left for segments", CLOSE);
      }
    }
  } catch {
    // The publisher is gone. Its segment stays open until it is deleted, reset or pushed out, as in go-livepeer.
    return bare(500, "Server error");
  }
  if (!begun) channel.begun(segment.seq);
  segment.close();
  return bare(200, null, seq);
}

/** Answers a GET once the segment has a byte or its end; then follows it live. `latest`: as the request came. */
export async function sendSegment(
  channel: Channel,
  segment: SegmentBuffer,
  latest: number,
  signal: AbortSignal,
): Promise<Response> {
  const release = segment.retain();
  const gone = new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const seq = { "Lp-Trickle-Seq": String(segment.seq) };
  let read = segment.read(0);
  while (read.kind === "wait" && !signal.aborted) {
    await Promise.race([read.changed, gone]);
    read = segment.read(0);
  }
  if (read.kind !== "data") {
    release();
    const why = channel.isClosed
      ? { "Lp-Trickle-Closed": "terminated" }
      : { "Lp-Trickle-Latest": String(channel.nextWrite) };
    return bare(200, null, { ...seq, ...why });
  }
  let position = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const next = segment.read(position);
          switch (next.kind) {
            case "data":
              position += next.data.byteLength;
              controller.enqueue(next.data);
              return;
            case "end":
              release();
              controller.close();
              return;
            case "lost":
              release();
              controller.error(new Error(`segment ${segment.seq} is no longer held`));
              return;
            case "wait":
              await Promise.race([next.changed, gone]);
              if (!signal.aborted) continue;
              release();
              return;
            default:
              next satisfies never;
          }
        }
      },
      cancel: release,
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    headers: {
      ...seq,
      ...(channel.mime === "" ? {} : { "Content-Type": channel.mime }),
      ...(segment.seq === latest ? {} : { "Lp-Trickle-Latest": String(latest) }),
    },
  });
}

const EMPTY = () => new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
