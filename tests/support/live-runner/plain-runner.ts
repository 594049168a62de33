/** A runner without any media, by bare requests: for tests of the simulated orchestrator itself. */
import type { StandInOrchestrator } from "./stand-in.ts";

/** One call as the runner's app received it. */
export interface AppCall {
  readonly method: string;
  readonly path: string;
  readonly search: string;
  readonly headers: Headers;
  readonly body: string;
}

export interface PlainAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests access any member
  readonly body: any;
}

export class PlainRunner implements AsyncDisposable {
  readonly appCalls: AppCall[] = [];
  /** Answers app calls; the default echoes. */
  answer: (call: AppCall) => Response | Promise<Response> = ({ path }) => Response.json({ path });
  readonly #orchestrator: StandInOrchestrator;
  readonly #app: Bun.Server<undefined>;
  #credential: string;

  constructor(orchestrator: StandInOrchestrator) {
    this.#orchestrator = orchestrator;
    this.#credential = orchestrator.secret;
    this.#app = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        const { pathname: path, search } = new URL(request.url);
        const { method, headers } = request;
        const call = { method, path, search, headers, body: await request.text() };
        this.appCalls.push(call);
        return this.answer(call);
      },
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#app.port}/runner/key`;
  }

  /** Sends a heartbeat with the last secret that it was given, and keeps a new one. */
  async beat(changes: object = {}, credential = this.#credential): Promise<PlainAnswer> {
    const body = {
      runner_id: "plain",
      runner_url: this.url,
      app: "test/plain",
      mode: "persistent",
      capacity: 2,
      price_info: { price: 0, currency: "usd", unit: "hour" },
      ...changes,
    };
    const answer = await this.call("POST", "/runners/heartbeat", body, {
      Authorization: credential,
    });
    this.#credential = answer.body?.heartbeat_secret ?? this.#credential;
    return answer;
  }

  /** Uses the registration secret from now on. */
  reset(): void {
    this.#credential = this.#orchestrator.secret;
  }

  unregister(): Promise<PlainAnswer> {
    const headers = { Authorization: this.#credential };
    return this.call("POST", "/runners/plain/unregister", undefined, headers);
  }

  /** Makes a callback of a session. */
  callback(method: string, path: string, session: string, token: string, body?: object) {
    const url = `/runner/plain/session/${session}${path}`;
    return this.call(method, url, body, { "Livepeer-Session-Token": token });
  }

  /** `url` may be a path below the orchestrator. */
  async call(
    method: string,
    url: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<PlainAnswer> {
    const answer = await fetch(url.startsWith("/") ? `${this.#orchestrator.url}${url}` : url, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const { status, headers: seen } = answer;
    const isJson = seen.get("content-type")?.startsWith("application/json") ?? false;
    return { status, headers: seen, text, body: isJson ? JSON.parse(text) : null };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.stop(true);
  }
}
