/** A session as its client holds it: calls to the app go through the orchestrator's proxy. */

const TLS = { rejectUnauthorized: false };

export interface AppAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests access any member
  readonly body: any;
  readonly tookMs: number;
}

export class ClientSession {
  readonly id: string;
  readonly appUrl: string;
  readonly controlUrl: string;

  /** Throws with the answer unless the reservation succeeds. */
  static async reserve(url: string): Promise<ClientSession> {
    const answer = await send("POST", url, {});
    if (answer.status !== 200)
      throw new Error(`reserve: ${answer.status} ${JSON.stringify(answer.body)}`);
    return new ClientSession(answer.body);
  }

  private constructor(given: { session_id: string; app_url: string; control_url: string }) {
    this.id = given.session_id;
    this.appUrl = given.app_url;
    this.controlUrl = given.control_url;
  }

  post(path: string, body: unknown = {}): Promise<AppAnswer> {
    return send("POST", `${this.appUrl}${path}`, body);
  }

  get(path: string): Promise<AppAnswer> {
    return send("GET", `${this.appUrl}${path}`);
  }

  /** Ends the session by the client's route. */
  async stop(): Promise<number> {
    return (await send("POST", `${this.controlUrl}/stop`)).status;
  }
}

/** The answer's body is parsed where it is JSON, else it is its text. */
async function send(method: string, url: string, body?: unknown): Promise<AppAnswer> {
  const begun = performance.now();
  const answer = await fetch(url, {
    method,
    tls: TLS,
    ...(body !== undefined && {
      headers: { "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    }),
  });
  const text = await answer.text();
  const tookMs = performance.now() - begun;
  return { status: answer.status, headers: answer.headers, body: json(text), tookMs };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
