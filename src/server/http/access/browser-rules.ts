/**
 * Keeps out web pages that have no business here. A browser sends requests for any page that its user visits, from the
 * user's machine and network, so where a request comes from proves nothing about who made it.
 */
import { WorkerError } from "../../../errors.ts";
import { bareHost } from "../../hosts/ip-address.ts";
import { isLoopback } from "../../hosts/own-address.ts";
import { declaredBytes } from "../content-length.ts";
import { hostNameOf, isOwnOrigin } from "./request-host.ts";

export interface BrowserRulesOptions {
  /** Origins whose pages may call this server, or `*`; null: the server's own and those of this machine. */
  readonly corsOrigins: readonly string[] | null;
  /** `--host`. */
  readonly host: string;
}

const CHANGING = ["POST", "PUT", "PATCH", "DELETE"];

export class BrowserRules {
  readonly #origins: readonly string[] | null;
  /** The own name of a server that listens on loopback only; null for other servers. */
  readonly #loopbackName: string | null;
  /** The last `Host` that was accepted: nearly all requests have the same. */
  #lastHost: string | null = null;

  constructor({ corsOrigins, host }: BrowserRulesOptions) {
    // Browsers send origins in the form of URL.origin: in lower case, without a default port.
    this.#origins = corsOrigins?.map((one) => URL.parse(one)?.origin ?? one) ?? null;
    this.#loopbackName = isLoopback(host) ? host : null;
  }

  /** True if CORS names every origin. */
  get namesAll(): boolean {
    return this.#origins?.includes("*") ?? false;
  }

  /** True if CORS names the origin of the page that makes this request. */
  namesOrigin(request: Request): boolean {
    const origin = request.headers.get("origin");
    if (origin === null) return false;
    const named = this.#origins?.some((one) => one === "*" || one === origin);
    return named ?? (isLocalOrigin(origin) || isOwnOrigin(origin, request));
  }

  /**
   * Throws `forbidden` for a changing request from a page of an origin that is not named, and for any request that was
   * sent to a name which is not this server's, if it listens on loopback: then only a DNS record that was made to point
   * to loopback can have led it here.
   */
  check(request: Request): void {
    if (this.#loopbackName !== null) this.#checkHost(request);
    if (!CHANGING.includes(request.method)) return;
    const origin = request.headers.get("origin");
    if (origin === null || isOwnOrigin(origin, request) || this.namesOrigin(request)) return;
    const shown = JSON.stringify(origin.slice(0, 100));
    throw new WorkerError(
      "forbidden",
      `web pages of ${shown} may not call this server; an operator can allow them with --cors-origins`,
    );
  }

  #checkHost(request: Request): void {
    const host = request.headers.get("host");
    if (host === this.#lastHost) return;
    const name = hostNameOf(request);
    if (name === null || name === this.#loopbackName || isLoopback(name)) {
      this.#lastHost = host;
      return;
    }
    const shown = JSON.stringify(name.slice(0, 100));
    throw new WorkerError(
      "forbidden",
      `this server listens on this machine only and is not ${shown}; use localhost`,
    );
  }
}

/**
 * Throws `forbidden` for a body that a web page can send without asking first: browsers send forms and plain text to
 * any server, and ask by a preflight before they send JSON.
 */
export function rejectForm({ method, headers }: Request): void {
  if (!CHANGING.includes(method) || !headers.has("origin")) return;
  const type = headers.get("content-type");
  const hasBody = headers.has("transfer-encoding") || (declaredBytes(headers) ?? 0) > 0;
  if (type === null ? !hasBody : /^application\/json\s*(;|$)/i.test(type.trim())) return;
  throw new WorkerError("forbidden", "web pages must send Content-Type: application/json");
}

function isLocalOrigin(origin: string): boolean {
  const page = URL.parse(origin);
  return page !== null && /^https?:$/.test(page.protocol) && isLoopback(bareHost(page.hostname));
}
