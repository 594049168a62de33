/** The five channels of a stream as an orchestrator makes them, and what a gateway reads from them. */
import { subscribe } from "../../src/trickle/client/subscriber.ts";
import { hostTrickle, type TrickleHost } from "./trickle-host.ts";

/** By the names that a start body has them under, without `_url` (protocol.md 1.4). */
export const CHANNELS = {
  subscribe: { suffix: "", mime: "video/MP2T" },
  publish: { suffix: "-out", mime: "video/MP2T" },
  control: { suffix: "-control", mime: "application/json" },
  events: { suffix: "-events", mime: "application/json" },
  data: { suffix: "-data", mime: "application/jsonl" },
} as const;
export type ChannelName = keyof typeof CHANNELS;
export const CHANNEL_NAMES = Object.keys(CHANNELS) as ChannelName[];

/** A trickle server that makes no channel by itself, as an orchestrator's. */
export const orchestratorTrickle = (port = 0): TrickleHost =>
  hostTrickle({ autoCreate: false, maxChannels: 2000 }, port);

/** Makes the named channels of a stream; returns their members of a start body. */
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

/** Ends one channel, as the orchestrator does. */
export const closeChannel = (host: TrickleHost, id: string, name: ChannelName): Promise<Response> =>
  fetch(host.url(`${id}${CHANNELS[name].suffix}`), { method: "DELETE" });

/** A whole segment of the control channel. */
export const control = (host: TrickleHost, id: string, text: string): Promise<Response> =>
  fetch(`${host.url(`${id}-control`)}/-1`, { method: "POST", body: text });

/** One segment of an events or data channel. */
export interface SeenMessage {
  readonly seq: number;
  readonly at: number;
  readonly text: string;
}

/** Segments from the first on, empty ones too, as they become whole. Ends with the signal or the channel. */
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
  void run().catch(() => {}); // the test looks at what came
  return { seen };
}

/** The events among the messages, in order. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into events freely
export const eventsOf = (seen: readonly SeenMessage[], type?: string): any[] =>
  seen
    .map(({ text }) => JSON.parse(text).event)
    .filter((event) => type === undefined || event.type === type);
