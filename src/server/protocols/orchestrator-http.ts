/** Sends single HTTP requests to an orchestrator, for registrations, heartbeats and callbacks. */
import type { Config } from "../../config.ts";

/** How the orchestrator's certificate is checked. */
export interface OrchestratorTls {
  readonly rejectUnauthorized: boolean;
  readonly ca?: string;
}

/** By default orchestrators make their own certificates: see ORCH_TLS_VERIFY and ORCH_CA. */
export const orchestratorTls = ({
  orchTlsVerify,
  orchCa,
}: Pick<Config, "orchTlsVerify" | "orchCa">): OrchestratorTls =>
  orchCa === undefined
    ? { rejectUnauthorized: orchTlsVerify }
    : { rejectUnauthorized: true, ca: orchCa };

export interface OrchestratorRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; without `json` and `text` the body is empty. */
  readonly json?: unknown;
  /** Sent as plain text. */
  readonly text?: string;
  readonly signal: AbortSignal;
  readonly tls: OrchestratorTls;
}

/** The answer of an orchestrator, of any status. */
export interface OrchestratorAnswer {
  readonly status: number;
  readonly text: string;
}

export const isSuccess = ({ status }: Pick<OrchestratorAnswer, "status">): boolean =>
  status >= 200 && status < 300;

/** Sends one request. Rejects where no answer came, with the error of fetch or the reason of the signal. */
export async function askOrchestrator(
  url: string,
  { method, headers = {}, json, text, signal, tls }: OrchestratorRequest,
): Promise<OrchestratorAnswer> {
  const body = json === undefined ? text : JSON.stringify(json);
  const type = json === undefined ? "text/plain" : "application/json";
  const response = await fetch(url, {
    method,
    headers: body === undefined ? { ...headers } : { ...headers, "content-type": type },
    ...(body === undefined ? {} : { body }),
    signal,
    // Credentials go nowhere else.
    redirect: "manual",
    // A pooled connection that the other side has closed meanwhile would look like a failure.
    keepalive: false,
    tls,
    // Bun's documented switch against HTTP_PROXY in the environment; the typings know only the proxy's URL.
    ...({ proxy: false } as object),
  });
  return { status: response.status, text: await response.text() };
}

/** The message of a failed answer: livepeer/node answers `{"error": text}`, go-livepeer a line of text. */
export function errorText({ text }: OrchestratorAnswer): string {
  try {
    const body: unknown = JSON.parse(text);
    const error: unknown =
      typeof body === "object" && body !== null && "error" in body ? body.error : null;
    if (typeof error === "string") return error.trim();
  } catch {
    // Not JSON: the text is the message.
  }
  return text.trim();
}
