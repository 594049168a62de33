/** Shortcuts to write to and read from trickle channels. */
import { type PublisherOptions, TricklePublisher } from "../../src/trickle/client/publisher.ts";
import { type SubscribeOptions, subscribe } from "../../src/trickle/client/subscriber.ts";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** For tests that need every segment: a peer that is slow because the machine is busy makes a publisher skip some. */
export const PATIENT = { slotMs: 5000 };

/** A publisher of text; never aborted unless a signal is given. */
export const publisherTo = (
  url: string,
  options: Partial<PublisherOptions> = {},
): Promise<TricklePublisher> =>
  TricklePublisher.open(
    { url },
    { contentType: "text/plain", signal: new AbortController().signal, ...options },
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
