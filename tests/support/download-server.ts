/** A web server with the faults of real ones: it redirects, cuts connections, ignores ranges, lies about lengths and stalls. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface ServedFile {
  readonly bytes: Uint8Array;
  /** Null: none is sent, so that a download cannot be resumed. */
  readonly etag?: string | null;
  /** `unconditional`: whatever `If-Range` says. */
  readonly ranges?: "honoured" | "ignored" | "unconditional";
  /** For each request in turn: the connection is cut after so many bytes of the body. */
  readonly cuts?: readonly number[];
  /** What Content-Length claims; null: none is sent. */
  readonly length?: number | null;
}

export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
}

export class DownloadServer implements AsyncDisposable {
  readonly requests: SeenRequest[] = [];
  readonly #server: Server;
  readonly #scheme: string;
  readonly #handlers = new Map<string, Handler>();

  private constructor(server: Server, scheme: string) {
    this.#server = server;
    this.#scheme = scheme;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      const path = (request.url ?? "").split("?")[0] ?? "";
      this.requests.push({ path: request.url ?? "", headers: request.headers });
      const handler = this.#handlers.get(path);
      if (handler !== undefined) void handler(request, response);
      else response.writeHead(404, { "content-type": "text/plain" }).end("Not Found");
    });
  }

  static async start(tls?: {
    readonly key: string;
    readonly cert: string;
  }): Promise<DownloadServer> {
    const server = tls === undefined ? createServer() : createTlsServer(tls);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new DownloadServer(server, tls === undefined ? "http" : "https");
  }

  get origin(): string {
    const { port } = this.#server.address() as AddressInfo; // it listens on TCP
    return `${this.#scheme}://127.0.0.1:${port}`;
  }

  on(path: string, handler: Handler): void {
    this.#handlers.set(path, handler);
  }

  redirect(path: string, location: string): void {
    this.on(path, (_request, response) => void response.writeHead(302, { location }).end());
  }

  json(path: string, body: unknown): void {
    this.on(path, (_request, response) => {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
  }

  file(path: string, served: ServedFile): void {
    const cuts = [...(served.cuts ?? [])];
    this.on(path, (request, response) => sendFile(request, response, served, cuts.shift()));
  }

  /** The `Range` headers of the requests for a path, in order. */
  ranges(path: string): (string | undefined)[] {
    return this.requests.filter((one) => one.path === path).map(({ headers }) => headers.range);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  { bytes, etag = '"one"', ranges = "honoured", length = bytes.length }: ServedFile,
  cut: number | undefined,
): void {
  const [, first] = /^bytes=(\d+)-$/.exec(request.headers.range ?? "") ?? [];
  const isSame = request.headers["if-range"] === etag || ranges === "unconditional";
  const start = first !== undefined && ranges !== "ignored" && isSame ? Number(first) : 0;
  const isPart = start > 0;
  if (isPart && start >= bytes.length) return void response.writeHead(416).end();
  const stated = length === null ? {} : { "content-length": String(length - start) };
  const range = { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
  response.writeHead(isPart ? 206 : 200, {
    ...stated,
    ...(etag === null ? {} : { etag }),
    ...(isPart ? range : {}),
  });
  if (cut === undefined) return void response.end(bytes.subarray(start));
  response.write(bytes.subarray(start, start + cut));
  // The bytes must be on their way before the connection is reset.
  setTimeout(() => response.socket?.destroy(), 50);
}
