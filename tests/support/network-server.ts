/** Starts a server with a fake engine, beside an orchestrator's trickle server, for tests of whole streams. */
import type { SideChannelTiming } from "../../src/server/protocols/side-channels/side-channels.ts";
import {
  CHANNEL_NAMES,
  type ChannelName,
  makeChannels,
  orchestratorTrickle,
  readAll,
  type SeenMessage,
} from "./orchestrator-channels.ts";
import { testServer } from "./test-server.ts";
import { waitFor } from "./wait-for.ts";

/** The real intervals divided by 100. */
export const FAST: SideChannelTiming = { beatMs: 50, silenceMs: 600, batchMs: 3, keepAliveMs: 250 };

let ids = 0;
export const newId = (): string => `gw-${++ids}`;

export interface StartOptions {
  readonly id?: string;
  readonly names?: readonly ChannelName[];
  readonly params?: unknown;
}

/** Resolves when the server accepts streams. The caller closes it. */
export async function networkServer(timing: SideChannelTiming = FAST) {
  const server = testServer({ timing, maxStreams: 30 });
  const host = orchestratorTrickle();
  const stop = new AbortController();
  await server.scheduler.ready(5000);

  const post = (path: string, id: string, body?: unknown) =>
    server.ask("POST", path, body, { "x-stream-id": id });

  /** Starts a stream and reads everything that is written to its channels. */
  const start = async ({ id = newId(), names = CHANNEL_NAMES, params = {} }: StartOptions = {}) => {
    const urls = await makeChannels(host, id, names);
    const events = readAll(host.url(`${id}-events`), stop.signal).seen;
    const data = readAll(host.url(`${id}-data`), stop.signal).seen;
    const asked = performance.now();
    const answer = await post("/stream/start", id, { gateway_request_id: id, params, ...urls });
    const record = answer.status === 200 ? server.store.get(id) : null;
    return { id, urls, events, data, asked, answer, record };
  };

  const ended = (id: string) =>
    waitFor("the end", () => !server.store.list("live").some((one) => one.id === id));
  const end = async (id: string) => {
    await post("/stream/stop", id);
    await ended(id);
  };
  const close = async () => {
    stop.abort();
    await server.close();
    await host[Symbol.asyncDispose]();
  };
  return { server, host, stop, post, start, ended, end, close };
}

/** The objects on the data channel, in either format. */
// biome-ignore lint/suspicious/noExplicitAny: tests access any member
export const dataOf = (seen: readonly SeenMessage[]): any[] =>
  seen
    .flatMap(({ text }) => text.split("\n"))
    .flatMap((line) => {
      const value = JSON.parse(line);
      return Array.isArray(value) ? value.map((text) => JSON.parse(text)) : [value];
    });
