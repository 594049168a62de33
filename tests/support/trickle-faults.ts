/** A trickle server that misbehaves by a test's script, for faults that the real one does not produce on demand. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** One request as the test's script sees it. */
export interface Exchange {
  readonly method: string;
  /** What follows `/channel`: empty, `/next` or `/{seq}`. */
  readonly path: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Number of earlier requests with this method and path. */
  readonly earlier: number;
  /** The whole body as text. */
  text(): Promise<string>;
  /** Answers with a status, headers and a body. */
  answer(status: number, headers?: Record<string, string | number>, text?: string): void;
  /** Resets the connection. */
  reset(): void;
}

export interface FaultyPeer extends AsyncDisposable {
  readonly url: string;
  /** `METHOD path` of every request, in order. */
  readonly seen: string[];
  readonly sockets: ReadonlySet<Socket>;
}

/** Serves one channel by a script. The request stays open unless the script answers it. */
export async function faultyPeer(
  script: (exchange: Exchange) => void | Promise<void>,
): Promise<FaultyPeer> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    const method = request.method ?? "";
    const path = (request.url ?? "").replace("/channel", "");
    const name = `${method} ${path}`.trim();
    const earlier = seen.filter((other) => other === name).length;
    seen.push(name);
    request.on("error", () => {});
    response.on("error", () => {});
    void script({
      method,
      path,
      request,
      response,
      earlier,
      async text() {
        let text = "";
        for await (const part of request) text += String(part);
        return text;
      },
      answer(status, headers = {}, text = "") {
        response.writeHead(status, headers);
        response.end(text);
      },
      reset: () => request.socket.resetAndDestroy(),
    });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/channel`,
    seen,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}
