/** Puts the embedded trickle server on a socket of its own, for tests. */
import {
  TrickleServer,
  type TrickleServerOptions,
} from "../../src/trickle/server/trickle-server.ts";

export interface TrickleHost extends AsyncDisposable {
  readonly server: TrickleServer;
  /** URL of a channel. */
  url(channel: string): string;
  readonly port: number;
  /** Makes a channel, before the server is asked anything if called right after its start. */
  make(channel: string, contentType: string): Promise<Response>;
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
    fetch: (request) => handle(request),
  });
  const handle = (request: Request) =>
    server.handle(request, new URL(request.url).pathname.replace(/^\/trickle\//, ""));
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
