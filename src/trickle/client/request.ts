/** Sends one HTTP request of the trickle protocol, with the fetch settings that streaming needs and pinned addresses. */
import { isIPv6 } from "node:net";
import { trickleAnswers } from "./answer-counts.ts";

/** A trickle channel and how to reach it. */
export interface TrickleEndpoint {
  /** The channel's URL, without a trailing slash. */
  readonly url: string;
  /** IP address to connect to in place of the URL's host; `Host` and SNI stay the URL's. */
  readonly address?: string;
  /** Value of an `Authorization` header to send. */
  readonly authorization?: string;
  /** Check the server's certificate; peers' certificates are self-signed, so by default it is not. */
  readonly verifyTls?: boolean;
  /** Certificate authorities to check it against in place of the system's, as PEM. */
  readonly ca?: string;
}

export interface TrickleRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** What follows the channel's URL: nothing, `/next` or `/{seq}`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: ReadableStream<Uint8Array>;
  /** Ends the request at once, its answer's body included. */
  readonly signal: AbortSignal;
}

/** An answer whose head has arrived. The receiver reads `chunks()` or `text()` to the end, or calls `discard()`. */
export interface TrickleResponse {
  readonly status: number;
  /** `Lp-Trickle-Seq`; null if missing or not a sequence number. */
  readonly seq: number | null;
  /** `Lp-Trickle-Latest`: the sequence number of the next segment to be written; null as above. */
  readonly latest: number | null;
  /** `Lp-Trickle-Closed`: the channel has ended. */
  readonly closed: boolean;
  /** The body as it arrives; throws where it breaks off. */
  chunks(): AsyncGenerator<Uint8Array, void, void>;
  /** The body as text, at most 4 KiB of it. */
  text(): Promise<string>;
  /** Closes the connection without reading on. */
  discard(): void;
}

const TEXT_LIMIT = 4096;
/** One-second segments reach it after 68 years: a server that claims a larger number is mistaken. */
const MAX_SEQ = 2 ** 31 - 1;
let open = 0;

/** Number of requests in this process whose answers are not yet read to the end. */
export const openRequests = (): number => open;

/**
 * Sends one request; resolves when the answer's head has arrived. Rejects with fetch's own error or the signal's reason.
 * Every request has a connection of its own, since a stale pooled connection resets a POST.
 */
export async function trickleRequest(
  endpoint: TrickleEndpoint,
  request: TrickleRequest,
): Promise<TrickleResponse> {
  const { signal } = request;
  signal.throwIfAborted();
  const abort = new AbortController();
  open++;
  let released = false;
  const release = () => {
    if (released) return;
    released = true;
    signal.removeEventListener("abort", onAbort);
    open--;
  };
  const onAbort = () => {
    abort.abort(signal.reason);
    release();
  };
  signal.addEventListener("abort", onAbort, { once: true });
  const direction = request.method === "GET" && request.path !== "/next" ? "subscribe" : "publish";
  try {
    const response = await fetch(...fetchArguments(endpoint, request, abort.signal));
    trickleAnswers.record(direction, response.status);
    return readable(response, abort, release);
  } catch (error) {
    release();
    if (!signal.aborted) trickleAnswers.record(direction, null);
    throw signal.aborted ? signal.reason : error;
  }
}

function fetchArguments(
  endpoint: TrickleEndpoint,
  { method, path, headers, body }: TrickleRequest,
  signal: AbortSignal,
): [string, BunFetchRequestInit] {
  const url = new URL(endpoint.url);
  const { host, hostname } = url;
  url.pathname = url.pathname.replace(/\/+$/, "") + path;
  if (endpoint.address !== undefined) {
    url.hostname = isIPv6(endpoint.address) ? `[${endpoint.address}]` : endpoint.address;
  }
  const pinned = endpoint.address !== undefined;
  // SNI carries names only, no addresses (RFC 6066 section 3).
  const serverName = pinned && !/^\[|^[\d.]+$/.test(hostname) ? { serverName: hostname } : {};
  const authorities = endpoint.ca === undefined ? {} : { ca: endpoint.ca };
  return [
    url.href,
    {
      method,
      headers: {
        ...headers,
        Connection: "close",
        "Accept-Encoding": "identity",
        ...(pinned ? { Host: host } : {}),
        ...(endpoint.authorization === undefined ? {} : { Authorization: endpoint.authorization }),
      },
      ...(body === undefined ? {} : { body }),
      signal,
      redirect: "manual",
      keepalive: false,
      timeout: false,
      // Makes Bun ignore HTTP_PROXY in the environment; the typings allow only a proxy's URL.
      ...({ proxy: false } as object),
      ...(url.protocol === "https:"
        ? {
            tls: { rejectUnauthorized: endpoint.verifyTls ?? false, ...authorities, ...serverName },
          }
        : {}),
    },
  ];
}

function readable(
  response: Response,
  abort: AbortController,
  release: () => void,
): TrickleResponse {
  const { status, headers, body } = response;
  if (body === null) release();
  const discard = () => {
    abort.abort(new DOMException("answer discarded", "AbortError"));
    release();
  };
  async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
    if (body === null) return;
    const reader = body.getReader();
    let ended = false;
    try {
      for (;;) {
        const { value, done } = await reader.read();
        ended = done;
        if (done) return;
        if (value.byteLength > 0) yield value;
      }
    } finally {
      if (ended) release();
      else discard();
    }
  }
  return {
    status,
    seq: sequenceNumber(headers.get("Lp-Trickle-Seq")),
    latest: sequenceNumber(headers.get("Lp-Trickle-Latest")),
    closed: headers.get("Lp-Trickle-Closed") !== null,
    chunks,
    discard,
    async text() {
      const parts: Uint8Array[] = [];
      let length = 0;
      for await (const chunk of chunks()) {
        parts.push(chunk);
        length += chunk.byteLength;
        if (length >= TEXT_LIMIT) break;
      }
      return Buffer.concat(parts).subarray(0, TEXT_LIMIT).toString("utf8").trim();
    },
  };
}

/** A whole number that a segment may have; null for anything else. */
export function sequenceNumber(text: string | null): number | null {
  if (text === null || !/^\d{1,10}$/.test(text.trim())) return null;
  const number = Number(text);
  return number <= MAX_SEQ ? number : null;
}
