/** A trickle server that counts the open requests of each channel, and answers 503 while a test wants it to. */
import { TrickleServer } from "../../src/trickle/server/trickle-server.ts";
import { OWN } from "./trickle-host.ts";

export interface CountedTrickle extends AsyncDisposable {
  /** Creates a channel and returns its URL. */
  make(channel: string): Promise<string>;
  /** What the other end of a channel does: its requests are neither counted nor refused. */
  request(method: "GET" | "POST" | "DELETE", path: string, body?: string): Promise<Response>;
  /** While true, every request is answered 503, as by a server that has no place left for it. */
  isBusy: boolean;
  /** Requests that were answered 503. */
  readonly refused: number;
  /** The most requests of a channel that were open at the same time. */
  mostOpen(channel: string): number;
}

/** Counts a request from its arrival until its answer has been sent or its sender is gone. */
export function countedTrickle(): CountedTrickle {
  const server = new TrickleServer({ autoCreate: false });
  const counts = new Map<string, { open: number; most: number }>();
  const state = { isBusy: false, refused: 0 };
  /** Returns what ends the count. */
  const enter = (channel: string, signal: AbortSignal): (() => void) => {
    const count = counts.get(channel) ?? { open: 0, most: 0 };
    counts.set(channel, count);
    count.open++;
    count.most = Math.max(count.most, count.open);
    const leave = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => leave.resolve(), { once: true });
    void leave.promise.then(() => count.open--);
    return leave.resolve;
  };
  const http = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const path = new URL(request.url).pathname.slice(1);
      if (state.isBusy) {
        state.refused++;
        return new Response("too many stream requests", { status: 503 });
      }
      const leave = enter(path.split("/")[0] ?? "", request.signal);
      const response = await server.handle(request, path, OWN);
      if (response.body === null) {
        leave();
        return response;
      }
      const counted = new TransformStream<Uint8Array, Uint8Array>({ flush: leave });
      return new Response(response.body.pipeThrough(counted), response);
    },
  });
  const url = (path: string): string => `http://127.0.0.1:${http.port}/${path}`;
  const request: CountedTrickle["request"] = (method, path, body) =>
    server.handle(new Request(url(path), { method, ...(body && { body }) }), path, OWN);
  return {
    async make(channel) {
      await request("POST", channel);
      return url(channel);
    },
    request,
    get isBusy() {
      return state.isBusy;
    },
    set isBusy(value) {
      state.isBusy = value;
    },
    get refused() {
      return state.refused;
    },
    mostOpen: (channel) => counts.get(channel)?.most ?? 0,
    async [Symbol.asyncDispose]() {
      server[Symbol.dispose]();
      await http.stop(true);
    },
  };
}
