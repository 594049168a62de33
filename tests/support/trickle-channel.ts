/** Shortcuts to write to and read from trickle channels. */
import { type PublisherOptions, TricklePublisher } from "../../src/trickle/client/publisher.ts";
import { type SubscribeOptions, subscribe } from "../../src/trickle/client/subscriber.ts";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** For peers that are slow because the machine is busy: they neither make a publisher skip segments nor give up. */
const PATIENT = { slotMs: 5000, closeMs: 10_000 };

/** A publisher of text; patient unless other limits are given, and never aborted unless a signal is. */
export const publisherTo = (
  url: string,
  { limits, ...options }: Partial<PublisherOptions> = {},
): Promise<TricklePublisher> =>
  TricklePublisher.open(
    { url },
    {
      contentType: "text/plain",
      signal: new AbortController().signal,
      acceptTimeoutMs: 10_000,
      limits: { ...PATIENT, ...limits },
      ...options,
    },
  );

/** One segment as a reader received it. */
export interface SeenSegment {
  readonly seq: number;
  readonly text: string;
  readonly complete: boolean;
}

/** Reads complete segments until the channel ends or `count` have arrived; `seen` grows meanwhile. */
export async function readSegments(
  url: string,
  count = Number.POSITIVE_INFINITY,
  options: Partial<SubscribeOptions> = {},
  seen: SeenSegment[] = [],
): Promise<SeenSegment[]> {
  let text = "";
  const stream = subscribe({ url }, { signal: new AbortController().signal, ...options });
  for await (const { seq, data, last, complete } of stream) {
    text += new TextDecoder().decode(data);
    if (!last) continue;
    seen.push({ seq, text, complete });
    text = "";
    if (seen.length >= count) break;
  }
  return seen;
}
