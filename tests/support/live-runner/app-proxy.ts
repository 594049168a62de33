/** Forwards a client's call to the runner, with the four session headers (live-runner.md 2.5, 3.1). */
import { type Dialect, Refused } from "./dialect.ts";
import type { ReservedSession } from "./registry.ts";

export interface ForwardedCall {
  readonly request: Request;
  readonly body: string;
  /** Where the path is joined: the runner's URL, or a proxy's target. */
  readonly target: URL;
  /** What follows `/app/` or the proxy's id, still encoded. */
  readonly appPath: string;
  readonly session: ReservedSession;
  /** Base of callbacks. */
  readonly runnerBase: string;
  readonly clientAddress: string;
}

/** livepeer-node waits this long for the head of the runner's answer. */
const HEAD_MS = 60_000;
const HOP_BY_HOP = ["connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer"];

/** Returns the runner's answer. Throws Refused with 502 if there is none. */
export async function forward(call: ForwardedCall, dialect: Dialect): Promise<Response> {
  const { request, body, session } = call;
  const head = new AbortController();
  const timer = dialect.forwards ? setTimeout(() => head.abort(), HEAD_MS) : undefined;
  const hasBody = request.method !== "GET" && request.method !== "HEAD";
  try {
    const answer = await fetch(targetOf(call), {
      method: request.method,
      headers: headersOf(call, dialect),
      ...(hasBody && { body }),
      redirect: "manual",
      decompress: false,
      signal: AbortSignal.any([request.signal, session.over.signal, head.signal]),
    });
    const headers = new Headers(answer.headers);
    for (const name of HOP_BY_HOP) headers.delete(name);
    return new Response(answer.body && quiet(answer.body), { status: answer.status, headers });
  } catch (error) {
    throw new Refused(502, `the runner did not answer: ${error}`);
  } finally {
    clearTimeout(timer);
  }
}

/** The path is decoded and cleaned, as Go's router and `url.JoinPath` do. */
function targetOf({ target, appPath, request }: ForwardedCall): URL {
  const url = new URL(target);
  const decoded = decodeURIComponent(appPath).replaceAll("?", "%3F").replaceAll("#", "%23");
  const base = target.pathname.replace(/\/+$/, "");
  url.pathname = `${base}/${decoded}`.replace(/\/{2,}/g, "/");
  url.search = new URL(request.url).search;
  return url;
}

function headersOf(call: ForwardedCall, dialect: Dialect): Headers {
  const { request, session, runnerBase } = call;
  const headers = new Headers(request.headers);
  const forwarded = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];
  for (const name of [...HOP_BY_HOP, ...forwarded, "host", "content-length"]) headers.delete(name);
  if (!headers.has("accept-encoding")) headers.set("accept-encoding", "identity");
  headers.set("Livepeer-Runner-Route", session.runner.id);
  headers.set("Livepeer-Session-Id", session.id);
  headers.set("Livepeer-Session-Token", session.token);
  headers.set(
    "Livepeer-Session-Control",
    `${runnerBase}/runner/${session.runner.id}/session/${session.id}`,
  );
  if (!dialect.forwards) return headers;
  headers.set("X-Forwarded-For", call.clientAddress);
  headers.set("X-Forwarded-Host", new URL(request.url).host);
  headers.set("X-Forwarded-Proto", new URL(request.url).protocol.replace(":", ""));
  return headers;
}

/** A body that breaks off without a reason: Bun.serve would print one. */
function quiet(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch {
        controller.error();
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
