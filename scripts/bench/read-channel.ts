/** Reads a trickle channel from its first segment on and hands over what arrives. */

import type { IncomingChunk } from "../../src/trickle/client/segment-copy.ts";
import { subscribe } from "../../src/trickle/client/subscriber.ts";

/** Calls `take` with every chunk, in order, until the channel ends or `signal` aborts. Rejects when the channel is lost. */
export async function readChannel(
  url: string,
  signal: AbortSignal,
  take: (chunk: IncomingChunk) => void,
): Promise<void> {
  try {
    const chunks = subscribe({ url }, { signal, start: 0, maxLag: Number.POSITIVE_INFINITY });
    for await (const chunk of chunks) take(chunk);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
