/**
 * Simulates go-livepeer's orchestrator as the `byoc` package of release 0.9.1 behaves: registration, and batch jobs relayed
 * to the worker (protocol.md 1.1 to 1.3.1, 2). It checks neither signatures nor payments.
 */
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { isEventStream, relayEvents } from "./orchestrator-relay.ts";

/** What a worker has registered, and its number of counted jobs. */
export interface RegisteredCapability {
  readonly name: string;
  readonly url: string;
  readonly capacity: number;
  readonly price_per_unit: number;
  readonly price_scaling: number;
  readonly currency: string;
  readonly description: string;
  readonly token: string;
  load: number;
}

/** One request of a worker, as received. */
export interface RegistrationCall {
  readonly path: string;
  readonly status: number | "cut";
  readonly body: string;
}

export interface OrchestratorOptions {
  readonly secret: string;
  /** Default: a free port. */
  readonly port?: number;
  /** PEM; given, it speaks https. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

const INTEGERS = ["capacity", "price_per_unit", "price_scaling"] as const;
const TEXTS = ["name", "url", "currency", "description", "token"] as const;
const PREFIX = "/process/request/";

export class Orchestrator implements AsyncDisposable {
  /** May be changed while it runs, as an operator may. */
  secret: string;
  readonly capabilities = new Map<string, RegisteredCapability>();
  readonly calls: RegistrationCall[] = [];
  /** For ORCH_URL. */
  readonly url: string;
  readonly port: number;
  readonly #server: http.Server;

  static async start(options: OrchestratorOptions): Promise<Orchestrator> {
    const { tls, port = 0 } = options;
    const server = tls === undefined ? http.createServer() : https.createServer(tls);
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return new Orchestrator(server, options);
  }

  private constructor(server: http.Server, { secret, tls }: OrchestratorOptions) {
    this.secret = secret;
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${this.port}`;
    server.on("request", (request: http.IncomingMessage, response: http.ServerResponse) => {
      void this.#answer(request, response).catch((error) => response.destroy(error));
    });
  }

  /** The capacity in a gateway's token: 0 hides the capability. */
  available(name: string): number {
    const { capacity = 0, load = 0 } = this.capabilities.get(name) ?? {};
    return Math.max(0, capacity - load);
  }

  /** Sends a job as a gateway does; `rest` is the path after `/process/request/`. */
  job(
    capability: string,
    rest: string,
    body: string,
    { timeoutSeconds = 30, signal }: { timeoutSeconds?: number; signal?: AbortSignal } = {},
  ): Promise<Response> {
    const job = { request: "{}", parameters: "{}", capability, timeout_seconds: timeoutSeconds };
    const headers = { "content-type": "application/json", livepeer: btoa(JSON.stringify(job)) };
    const tls = { rejectUnauthorized: false };
    const init = { method: "POST", headers, body, tls, ...(signal && { signal }) };
    return fetch(`${this.url}${PREFIX}${rest}`, init);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    const { pathname } = new URL(request.url ?? "", this.url);
    if (pathname.startsWith(PREFIX)) return this.#relay(pathname, request, body, response);
    const status = this.#manage(pathname, request, body.toString());
    this.calls.push({ path: pathname, status: status.code, body: body.toString() });
    if (status.code === "cut") request.socket.destroy();
    else respond(response, status.code, status.text);
  }

  #manage(path: string, { method, headers }: http.IncomingMessage, body: string) {
    if (path !== "/capability/register" && path !== "/capability/unregister")
      return { code: 404, text: "404 page not found\n" };
    if (method !== "POST") return { code: 405, text: "Method not allowed\n" };
    if ((headers.authorization ?? "") !== this.secret)
      return { code: 400, text: "invalid authorization\n" };
    if (path === "/capability/unregister") this.capabilities.delete(body);
    else {
      const offer = parseOffer(body);
      if (typeof offer === "string")
        return { code: 400, text: `Error registering capability: ${offer}` };
      if (!["", "wei", "eth"].includes(offer.currency.toLowerCase()))
        return { code: "cut" as const, text: "" };
      this.capabilities.set(offer.name, offer);
    }
    return { code: 200, text: "ok" };
  }

  async #relay(
    pathname: string,
    request: http.IncomingMessage,
    body: Buffer,
    response: http.ServerResponse,
  ): Promise<void> {
    const job = JSON.parse(atob(String(request.headers["livepeer"]))) as {
      capability: string;
      timeout_seconds: number;
    };
    const capability = this.capabilities.get(job.capability);
    if (capability === undefined)
      return respond(response, 503, "No capacity available for capability\n");
    capability.load++;
    // By name, as in go-livepeer: a capability registered since then is another object, and its count goes below zero.
    const free = () => {
      const now = this.capabilities.get(job.capability);
      if (now !== undefined) now.load--;
    };
    const rest = pathname.slice(PREFIX.length);
    const timeoutMs = job.timeout_seconds * 1000;
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), timeoutMs);
    response.on("close", () => over.abort());
    let answer: Response;
    try {
      answer = await fetch(rest === "" ? capability.url : `${capability.url}/${rest}`, {
        method: "POST",
        body: new Uint8Array(body),
        signal: over.signal,
        tls: { rejectUnauthorized: false },
        headers: {
          "content-type": request.headers["content-type"] ?? "",
          ...(capability.token === "" ? {} : { authorization: `Bearer ${capability.token}` }),
        },
      });
    } catch (error) {
      // After a late answer the capability stays, and so does its used place.
      if (!over.signal.aborted) this.capabilities.delete(job.capability);
      return respond(response, 500, `job not able to be processed err=${error}\n`);
    } finally {
      clearTimeout(timer);
    }
    if (answer.status === 401) {
      this.capabilities.delete(job.capability);
      return respond(response, 500, "job not able to be processed err=worker auth token failed\n");
    }
    try {
      response.setHeader("content-type", answer.headers.get("content-type") ?? "");
      response.setHeader("x-metadata", answer.headers.get("x-metadata") ?? "");
      if (isEventStream(answer)) await relayEvents(answer, response, timeoutMs);
      else if (answer.status < 400) respond(response, 200, await answer.text());
      else respond(response, answer.status, `${await answer.text()}\n`);
    } finally {
      over.abort();
      free();
    }
  }
}

function respond(response: http.ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  response.end(text);
}

/** Decodes like Go into the struct: wrong types fail, absent members are zero. A string is the error. */
function parseOffer(body: string): RegisteredCapability | string {
  let given: Record<string, unknown>;
  try {
    given = JSON.parse(body) as Record<string, unknown>;
  } catch (error) {
    return String(error);
  }
  const wrong =
    INTEGERS.find((name) => given[name] !== undefined && !Number.isSafeInteger(given[name])) ??
    TEXTS.find((name) => given[name] !== undefined && typeof given[name] !== "string");
  if (wrong !== undefined) return `json: cannot unmarshal ExternalCapability.${wrong}`;
  const number = (name: (typeof INTEGERS)[number]) => Number(given[name] ?? 0);
  const text = (name: (typeof TEXTS)[number]) => String(given[name] ?? "");
  return {
    name: text("name"),
    url: text("url"),
    capacity: number("capacity"),
    price_per_unit: number("price_per_unit"),
    price_scaling: number("price_scaling") || 1,
    currency: text("currency"),
    description: text("description"),
    token: text("token"),
    load: 0,
  };
}
