/** Reads a trickle channel from its current segment on, always requesting one segment ahead. */
import { delay } from "../delay.ts";

export type ChannelBytes =
  /** A segment starts. `whole` is false if the previous one was cut off or segments were skipped. */
  | { readonly kind: "segment"; readonly seq: number; readonly whole: boolean }
  | { readonly kind: "bytes"; readonly data: Uint8Array };

const CURRENT = -2;
/** Segments to be behind before jumping to the current one. */
const MAX_LAG = 2;
/** A segment that has not ended this long after its successor started is not going to end. */
const OVERTAKEN_MS = 1000;
const NOT_YET_MS = 250;
/** A restarted publisher counts from 0 again: after this many "not yet" answers, start over at the current segment. */
const MAX_NOT_YET = 8;
const RETRY_MS = 400;
const MAX_RETRIES = 5;

/**
 * Reads the channel until it ends; one that does not exist has ended. Throws if the server stops responding, and the
 * signal's reason when it aborts.
 */
export async function* readChannel(
  url: string,
  signal: AbortSignal,
): AsyncGenerator<ChannelBytes, void> {
  let wanted = CURRENT;
  let whole = false;
  let failures = 0;
  let notYet = 0;
  let ahead: Promise<Response> | null = null;
  for (;;) {
    const response: Response | null = await (ahead ?? get(url, wanted, signal)).catch(() => null);
    ahead = null;
    signal.throwIfAborted();
    if (response === null || response.status >= 500) {
      if (++failures > MAX_RETRIES) throw new Error("the server is not responding");
      await delay(RETRY_MS, signal);
      continue;
    }
    failures = 0;
    if (response.status === 470) {
      const tooEarly = number(response, "Lp-Trickle-Latest", 0) < wanted;
      if (tooEarly && ++notYet < MAX_NOT_YET) await delay(NOT_YET_MS, signal);
      else wanted = CURRENT;
      whole &&= tooEarly;
      continue;
    }
    notYet = 0;
    if (!response.ok || response.headers.has("Lp-Trickle-Closed")) return;
    const seq = number(response, "Lp-Trickle-Seq", Math.max(0, wanted));
    const lag = number(response, "Lp-Trickle-Latest", seq) - seq;
    if (lag > MAX_LAG && wanted !== CURRENT) {
      void response.body?.cancel().catch(() => {}); // no longer needed
      wanted = CURRENT;
      whole = false;
      continue;
    }
    yield { kind: "segment", seq, whole };
    wanted = seq + 1;
    const next = get(url, wanted, signal);
    next.catch(() => {}); // handled when it is awaited
    ahead = next;
    whole = response.body === null || (yield* segmentBytes(response.body, next, signal));
  }
}

/** Returns true if the segment was complete. */
async function* segmentBytes(
  body: ReadableStream<Uint8Array>,
  next: Promise<Response>,
  signal: AbortSignal,
): AsyncGenerator<ChannelBytes, boolean> {
  const reader = body.getReader();
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  const overtaken = new Promise<null>((resolve) => {
    const late = next.then(() => delay(OVERTAKEN_MS, ended));
    late.then(() => resolve(null)).catch(() => {}); // no successor, or this segment is done
  });
  try {
    for (;;) {
      const read = await Promise.race([reader.read(), overtaken]);
      if (read === null) return false;
      if (read.done) return true;
      yield { kind: "bytes", data: read.value };
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Error)) throw error;
    return false; // the connection broke: the rest of this segment is lost
  } finally {
    over.abort();
    void reader.cancel().catch(() => {}); // no longer needed
  }
}

const get = (url: string, seq: number, signal: AbortSignal): Promise<Response> =>
  fetch(`${url}/${seq}`, { signal, cache: "no-store" });

function number(response: Response, header: string, otherwise: number): number {
  const value = response.headers.get(header);
  return value !== null && /^\d+$/.test(value) ? Number(value) : otherwise;
}
