/** Sends a stream's data as server-sent events: one report an event, comments while there is none. */
import type { DataReader } from "../../streams/data-output.ts";
import { COMMENT_EVERY_MS, SSE_HEADERS } from "../server-sent-events.ts";

/**
 * Responds with the events of `reader` until the stream ends or the caller leaves, then disposes it. A caller that reads
 * slowly misses the oldest reports.
 */
export function dataEvents(reader: DataReader, signal: AbortSignal): Response {
  const leave = () => reader[Symbol.dispose]();
  signal.addEventListener("abort", leave, { once: true });
  const body = new ReadableStream<Uint8Array>(
    {
      // The headers leave with the first bytes.
      start: (controller) => controller.enqueue(Buffer.from(textOf("nothing"))),
      pull: async (controller) => {
        const read = await reader.read(COMMENT_EVERY_MS);
        if (read !== "end") controller.enqueue(Buffer.from(textOf(read)));
        else {
          signal.removeEventListener("abort", leave);
          leave();
          controller.close();
        }
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: SSE_HEADERS });
}

const textOf = (read: object | "nothing"): string =>
  read === "nothing" ? ": waiting for data\n\n" : `data: ${JSON.stringify(read)}\n\n`;
