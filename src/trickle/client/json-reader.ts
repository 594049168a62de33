/** Reads a channel of small messages, whole and in order, also across outages of its server. */
import { WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { Backoff } from "./backoff.ts";
import { nextSeq } from "./channel-requests.ts";
import { channelHost, describeFailure, describeMs } from "./describe.ts";
import type { TrickleEndpoint } from "./request.ts";
import { subscribe } from "./subscriber.ts";

/** One segment, never empty. */
export type ReadMessage =
  | { readonly kind: "text"; readonly seq: number; readonly text: string }
  /** Longer than `maxBytes`: not read. */
  | { readonly kind: "too_large"; readonly seq: number; readonly bytes: number };

export interface ReadMessagesOptions {
  readonly signal: AbortSignal;
  /** Largest message in bytes. */
  readonly maxBytes: number;
  /** An unreachable server is retried for this long. Default 30000. */
  readonly giveUpMs?: number;
}

const GIVE_UP_MS = 30_000;
const ASK_TIMEOUT_MS = 5000;
/** Bytes that may wait in the subscriber; the message that is being read comes on top. */
const QUEUE_BYTES = 1024 * 1024;
const log = getLogger("trickle");

/**
 * Reads the channel's messages from the newest on, without jumps, waiting without limit. Ends when the other side closed
 * or removed the channel. Throws `channel_refused` if the channel never existed, `input_lost` if it cannot be reached,
 * and the signal's reason.
 *
 * @example
 * for await (const message of readMessages({ url: controlUrl }, { signal, maxBytes: 1024 * 1024 }))
 *   if (message.kind === "text") handle(JSON.parse(message.text));
 */
export async function* readMessages(
  endpoint: TrickleEndpoint,
  { signal, maxBytes, giveUpMs = GIVE_UP_MS }: ReadMessagesOptions,
): AsyncGenerator<ReadMessage, void, void> {
  let seq = -1;
  let latest = await nextSeqOnceReachable(endpoint, signal, giveUpMs);
  for (;;) {
    // A number instead of "the newest", so that nothing written before we are connected is missed. A server that counts
    // from the start again has lost its messages.
    const start = seq >= 0 && latest >= seq ? seq : Math.max(0, latest - 1);
    try {
      let parts: Uint8Array[] = [];
      let bytes = 0;
      // Only quick retries in there: longer outages are handled here, since the numbers may change across them.
      const maxLag = Number.POSITIVE_INFINITY;
      const options = { signal, start, maxLag, giveUpMs: 0, queueBytes: QUEUE_BYTES };
      for await (const chunk of subscribe(endpoint, options)) {
        if (chunk.first) [parts, bytes] = [[], 0];
        bytes += chunk.data.byteLength;
        if (bytes <= maxBytes) parts.push(chunk.data);
        else parts = [];
        if (!chunk.last) continue;
        seq = chunk.seq + 1;
        if (!chunk.complete) continue;
        if (bytes > maxBytes) yield { kind: "too_large", seq: chunk.seq, bytes };
        else yield { kind: "text", seq: chunk.seq, text: Buffer.concat(parts).toString("utf8") };
        parts = [];
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      log.warn("reading messages fails", {
        channel: channelHost(endpoint),
        error: describeFailure(error),
      });
      try {
        latest = await nextSeqOnceReachable(endpoint, signal, giveUpMs);
      } catch (gone) {
        // It existed before, so it has ended.
        if (gone instanceof WorkerError && gone.kind === "channel_refused") return;
        throw gone;
      }
    }
  }
}

/** The number of the channel's next segment, asked until there is an answer. */
async function nextSeqOnceReachable(
  endpoint: TrickleEndpoint,
  signal: AbortSignal,
  giveUpMs: number,
): Promise<number> {
  const backoff = new Backoff(giveUpMs);
  for (;;) {
    signal.throwIfAborted();
    try {
      const ask = AbortSignal.any([signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]);
      return await nextSeq(endpoint, ask);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof WorkerError) throw error;
      if (!backoff.fail()) {
        const message = `channel at ${channelHost(endpoint)} is unreachable for ${describeMs(giveUpMs)}: ${describeFailure(error)}`;
        throw new WorkerError("input_lost", message, { cause: error });
      }
    }
    await backoff.wait(signal);
  }
}
