/** Creates the five channels of a stream as an orchestrator does, and reads them as a gateway does. */
import { subscribe } from "../../src/trickle/client/subscriber.ts";
import { hostTrickle, type TrickleHost } from "./trickle-host.ts";

/** The channels' names in a start body, without `_url` (protocol.md 1.4). */
export const CHANNELS = {
  subscribe: { suffix: "", mime: "video/MP2T" },
  publish: { suffix: "-out", mime: "video/MP2T" },
  control: { suffix: "-control", mime: "application/json" },
  events: { suffix: "-events", mime: "application/json" },
  data: { suffix: "-data", mime: "application/jsonl" },
} as const;
export type ChannelName = keyof typeof CHANNELS;
export const CHANNEL_NAMES = Object.keys(CHANNELS) as ChannelName[];

/** A trickle server that creates no channel by itself, like an orchestrator's. */
export const orchestratorTrickle = (port = 0): TrickleHost =>
  hostTrickle({ autoCreate: false, maxChannels: 2000 }, port);

/** Creates the named channels of a stream; returns the members of a start body that name them. */
export async function makeChannels(
  host: TrickleHost,
  id: string,
  names: readonly ChannelName[] = CHANNEL_NAMES,
): Promise<Record<string, string>> {
  const entries = names.map(async (name) => {
    const { suffix, mime } = CHANNELS[name];
    await host.make(`${id}${suffix}`, mime);
    return [`${name}_url`, host.url(`${id}${suffix}`)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Ends one channel as the orchestrator does. */
export const closeChannel = (host: TrickleHost, id: string, name: ChannelName): Promise<Response> =>
  fetch(host.url(`${id}${CHANNELS[name].suffix}`), { method: "DELETE" });

/** Writes a complete segment of the control channel. */
export const control = (host: TrickleHost, id: string, text: string): Promise<Response> =>
  fetch(`${host.url(`${id}-control`)}/-1`, { method: "POST", body: text });

/** One segment of an events or data channel. */
export interface SeenMessage {
  readonly seq: number;
  readonly at: number;
  readonly text: string;
}

/** Collects complete segments from the first on, including empty ones, until the signal aborts or the channel ends. */
export function readAll(url: string, signal: AbortSignal): { readonly seen: SeenMessage[] } {
  const seen: SeenMessage[] = [];
  const run = async (): Promise<void> => {
    let text = "";
    const options = { signal, start: 0, maxLag: Number.POSITIVE_INFINITY };
    for await (const { seq, data, last } of subscribe({ url }, options)) {
      text += new TextDecoder().decode(data);
      if (!last) continue;
      seen.push({ seq, text, at: performance.now() });
      text = "";
    }
  };
  void run().catch(() => {}); // the test checks what arrived
  return { seen };
}

/** The events in these messages, in order. */
// biome-ignore lint/suspicious/noExplicitAny: tests access any member
export const eventsOf = (seen: readonly SeenMessage[], type?: string): any[] =>
  seen
    .map(({ text }) => JSON.parse(text).event)
    .filter((event) => type === undefined || event.type === type);
