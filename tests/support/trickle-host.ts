/** Serves the embedded trickle server on a port of its own, for tests. */
import type { TricklePeer } from "../../src/trickle/server/peer-quotas.ts";
import {
  TrickleServer,
  type TrickleServerOptions,
} from "../../src/trickle/server/trickle-server.ts";

export interface TrickleHost extends AsyncDisposable {
  readonly server: TrickleServer;
  /** URL of a channel. */
  url(channel: string): string;
  readonly port: number;
  /** Creates a channel; called right after the start, before any request arrives. */
  make(channel: string, contentType: string): Promise<Response>;
  /** Number of requests that are not answered yet. */
  pending(): number;
}

/** The server's own engines, who may use all of it. */
export const OWN: TricklePeer = {
  address: "127.0.0.1",
  kind: "own",
  disconnect() {},
  answered() {},
};

/**
 * A trickle server under `/trickle` on a free port of the loopback interface. Every request counts as its own, or as one
 * of the `kind` given: channels are swept as idle beside the server's own publishers never.
 */
export function hostTrickle(
  options: Partial<TrickleServerOptions> = {},
  port = 0,
  kind: TricklePeer["kind"] = "own",
): TrickleHost {
  const server = new TrickleServer({ autoCreate: true, ...options });
  const http = Bun.serve({
    hostname: "127.0.0.1",
    port,
    idleTimeout: 0,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request, connections) => handle(request, () => connections.timeout(request, 1)),
  });
  const handle = (request: Request, disconnect = () => {}) => {
    const path = new URL(request.url).pathname.replace(/^\/trickle\//, "");
    return server.handle(request, path, { ...OWN, kind, disconnect });
  };
  const url = (channel: string) => `http://127.0.0.1:${http.port}/trickle/${channel}`;
  return {
    server,
    url,
    make: (channel, contentType) =>
      handle(
        new Request(url(channel), { method: "POST", headers: { "Expect-Content": contentType } }),
      ),
    port: http.port ?? 0,
    pending: () => http.pendingRequests,
    async [Symbol.asyncDispose]() {
      server[Symbol.dispose]();
      await http.stop(true);
    },
  };
}
