/** Hides how a channel of small messages is read whole and in order, also over outages of its server. */
import { reason, WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { pause } from "../../streams/pause.ts";
import { nextSeq } from "./channel-requests.ts";
import type { TrickleEndpoint } from "./request.ts";
import { subscribe } from "./subscriber.ts";

/** One segment, never empty. */
export type ReadMessage =
  | { readonly kind: "text"; readonly seq: number; readonly text: string }
  /** More than `maxBytes`: not kept. */
  | { readonly kind: "too_large"; readonly seq: number; readonly bytes: number };

export interface ReadMessagesOptions {
  readonly signal: AbortSignal;
  /** Largest message in bytes. */
  readonly maxBytes: number;
  /** An unreachable server is asked again for so long. Default 30000. */
  readonly giveUpMs?: number;
}

const GIVE_UP_MS = 30_000;
const ASK_TIMEOUT_MS = 5000;
const log = getLogger("trickle");

/**
 * The channel's messages from the newest on, without jumps, waiting without limit. Ends when the other side closed or
 * removed the channel. Throws `channel_refused` when there never was one, `input_lost` when it cannot be reached, and
 * the signal's reason.
 */
export async function* readMessages(
  endpoint: TrickleEndpoint,
  { signal, maxBytes, giveUpMs = GIVE_UP_MS }: ReadMessagesOptions,
): AsyncGenerator<ReadMessage, void, void> {
  let seq = -1;
  let latest = await reachable(endpoint, signal, giveUpMs);
  for (;;) {
    // By number and not as "the newest": what is written before we are connected is not missed. A server that counts
    // from the start again has lost what it had.
    const start = seq >= 0 && latest >= seq ? seq : Math.max(0, latest - 1);
    try {
      let parts: Uint8Array[] = [];
      let bytes = 0;
      // Of its retries some quick ones: what outlasts an outage is here, as the numbers may be others after it.
      const options = { signal, start, maxLag: Number.POSITIVE_INFINITY, giveUpMs: 0 };
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
      log.warn("messages cannot be read", { channel: endpoint.url, error: reason(error) });
      try {
        latest = await reachable(endpoint, signal, giveUpMs);
      } catch (gone) {
        // It was there before: that it no longer is says that it has ended.
        if (gone instanceof WorkerError && gone.kind === "channel_refused") return;
        throw gone;
      }
    }
  }
}

/** Number of the channel's next segment, asked until there is an answer. */
async function reachable(
  endpoint: TrickleEndpoint,
  signal: AbortSignal,
  giveUpMs: number,
): Promise<number> {
  const since = performance.now();
  for (let failures = 0; ; failures++) {
    signal.throwIfAborted();
    try {
      const ask = AbortSignal.any([signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]);
      return await nextSeq(endpoint, ask);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof WorkerError) throw error;
      if (performance.now() - since > giveUpMs) {
        const message = `channel ${endpoint.url}: unreachable for ${giveUpMs} ms: ${reason(error)}`;
        throw new WorkerError("input_lost", message, { cause: error });
      }
    }
    const step = Math.min(2000, 100 * 2 ** failures);
    await pause(step * (0.5 + Math.random() / 2), signal);
  }
}
