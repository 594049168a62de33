/** Puts the embedded trickle server on a socket of its own, for tests. */
import { TrickleServer, type TrickleServerOptions } from "../../src/trickle/trickle-server.ts";

export interface TrickleHost extends AsyncDisposable {
  readonly server: TrickleServer;
  /** URL of a channel. */
  url(channel: string): string;
  readonly port: number;
  /** Requests that the server has and not answered yet. */
  pending(): number;
}

/** A trickle server under `/trickle` on a free port of the loopback interface. */
export function hostTrickle(options: Partial<TrickleServerOptions> = {}, port = 0): TrickleHost {
  const server = new TrickleServer({ autoCreate: true, ...options });
  const http = Bun.serve({
    hostname: "127.0.0.1",
    port,
    idleTimeout: 0,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request) =>
      server.handle(request, new URL(request.url).pathname.replace(/^\/trickle\//, "")),
  });
  return {
    server,
    url: (channel) => `http://127.0.0.1:${http.port}/trickle/${channel}`,
    port: http.port ?? 0,
    pending: () => http.pendingRequests,
    async [Symbol.asyncDispose]() {
      server[Symbol.dispose]();
      await http.stop(true);
    },
  };
}
