/** Reads a channel of small messages, whole and in order, also across outages of its server. */
import { answerTimeout } from "../../answer-timeout.ts";
import { WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { describeFailure } from "../../request-failure.ts";
import { Backoff } from "./backoff.ts";
import { nextSeq, ServerBusy } from "./channel-requests.ts";
import { channelHost, describeMs } from "./describe.ts";
import type { TrickleEndpoint } from "./request.ts";
import { SegmentRefused } from "./segment-request.ts";
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
  /** The message to begin with, or the oldest that there is after it. Default: the newest. */
  readonly start?: number;
  /** Failures in a row are retried for this long. Default 30000. */
  readonly giveUpMs?: number;
}

const GIVE_UP_MS = 30_000;
const ASK_TIMEOUT_MS = 5000;
/** A connection that lasted this long starts a new count of failures: quiet channels deliver no messages. */
const STABLE_MS = 5000;
/** Bytes that may wait in the subscriber; the message that is being read comes on top. */
const QUEUE_BYTES = 1024 * 1024;
const log = getLogger("trickle");

/**
 * Reads the channel's messages from `start` on, without jumps, waiting without limit. Ends when the other side closed
 * or removed the channel. Throws `channel_refused` if the channel never existed, `input_lost` if its segments are refused
 * or cannot be had for `giveUpMs`, and the signal's reason.
 *
 * @example
 * for await (const message of readMessages({ url: controlUrl }, { signal, maxBytes: 1024 * 1024 }))
 *   if (message.kind === "text") handle(JSON.parse(message.text));
 */
export async function* readMessages(
  endpoint: TrickleEndpoint,
  { signal, maxBytes, start: first = -1, giveUpMs = GIVE_UP_MS }: ReadMessagesOptions,
): AsyncGenerator<ReadMessage, void, void> {
  const backoff = new Backoff(giveUpMs);
  const failed = async (error: unknown): Promise<void> => {
    signal.throwIfAborted();
    const channel = channelHost(endpoint);
    const why = describeFailure(error);
    if (error instanceof ServerBusy) backoff.postpone();
    else if (!backoff.fail()) {
      const message = `channel at ${channel} has failed for ${describeMs(giveUpMs)}: ${why}`;
      throw new WorkerError("input_lost", message, { cause: error });
    }
    if (backoff.failures === 1) log.warn("reading messages is failing", { channel, error: why });
    await backoff.wait(signal);
  };
  let existed = false;
  let seq = first;
  for (;;) {
    signal.throwIfAborted();
    let latest: number;
    try {
      using late = answerTimeout(ASK_TIMEOUT_MS);
      latest = await nextSeq(endpoint, AbortSignal.any([signal, late.signal]));
    } catch (error) {
      // A channel that existed before has ended.
      if (error instanceof WorkerError && existed) return;
      if (error instanceof WorkerError) throw error;
      await failed(error);
      continue;
    }
    existed = true;
    // A number instead of "the newest", so that nothing written before we are connected is missed. A server that counts
    // from the start again has lost its messages.
    const start = seq >= 0 && latest >= seq ? seq : Math.max(0, latest - 1);
    const since = performance.now();
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
        backoff.succeed();
        if (bytes > maxBytes) yield { kind: "too_large", seq: chunk.seq, bytes };
        else yield { kind: "text", seq: chunk.seq, text: Buffer.concat(parts).toString("utf8") };
        parts = [];
      }
      return;
    } catch (error) {
      if (error instanceof SegmentRefused) throw error;
      if (performance.now() - since > STABLE_MS) backoff.succeed();
      await failed(error);
    }
  }
}
