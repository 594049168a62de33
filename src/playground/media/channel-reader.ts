/** Hides how a trickle channel is followed from its current segment on (protocol.md 4.3), with a fetch always one ahead. */
import { pause } from "../pause.ts";

export type ChannelBytes =
  /** A segment begins; `whole` is false where the one before was cut off or segments were left out. */
  | { readonly kind: "segment"; readonly seq: number; readonly whole: boolean }
  | { readonly kind: "bytes"; readonly data: Uint8Array };

const CURRENT = -2;
/** Segments we may be behind before we jump. */
const MAX_LAG = 2;
/** A segment whose successor has begun so long ago is not going to end. */
const OVERTAKEN_MS = 1000;
const NOT_YET_MS = 250;
/** A publisher that began anew counts from 0: after so many answers "not yet" its numbers are taken up. */
const MAX_NOT_YET = 8;
const RETRY_MS = 400;
const MAX_RETRIES = 5;

/**
 * Follows the channel until it ends, which is also when it does not exist. Throws when the server cannot be
 * reached any more, and the signal's reason.
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
      if (++failures > MAX_RETRIES) throw new Error("the server does not answer");
      await pause(RETRY_MS, signal);
      continue;
    }
    failures = 0;
    if (response.status === 470) {
      const tooEarly = number(response, "Lp-Trickle-Latest", 0) < wanted;
      if (tooEarly && ++notYet < MAX_NOT_YET) await pause(NOT_YET_MS, signal);
      else wanted = CURRENT;
      whole &&= tooEarly;
      continue;
    }
    notYet = 0;
    if (!response.ok || response.headers.has("Lp-Trickle-Closed")) return;
    const seq = number(response, "Lp-Trickle-Seq", Math.max(0, wanted));
    const lag = number(response, "Lp-Trickle-Latest", seq) - seq;
    if (lag > MAX_LAG && wanted !== CURRENT) {
      void response.body?.cancel().catch(() => {}); // it goes either way
      wanted = CURRENT;
      whole = false;
      continue;
    }
    yield { kind: "segment", seq, whole };
    wanted = seq + 1;
    const next = get(url, wanted, signal);
    next.catch(() => {}); // met when its turn comes
    ahead = next;
    whole = response.body === null || (yield* segmentBytes(response.body, next, signal));
  }
}

/** True if the segment came to its end. */
async function* segmentBytes(
  body: ReadableStream<Uint8Array>,
  next: Promise<Response>,
  signal: AbortSignal,
): AsyncGenerator<ChannelBytes, boolean> {
  const reader = body.getReader();
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  const overtaken = new Promise<null>((resolve) => {
    const late = next.then(() => pause(OVERTAKEN_MS, ended));
    late.then(() => resolve(null)).catch(() => {}); // no successor, or no longer of interest
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
    void reader.cancel().catch(() => {}); // it goes either way
  }
}

const get = (url: string, seq: number, signal: AbortSignal): Promise<Response> =>
  fetch(`${url}/${seq}`, { signal, cache: "no-store" });

function number(response: Response, header: string, otherwise: number): number {
  const value = response.headers.get(header);
  return value !== null && /^\d+$/.test(value) ? Number(value) : otherwise;
}
