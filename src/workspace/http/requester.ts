/** Sends the requests of downloads: follows redirects by the rules for strangers' servers, through proxies where they are set. */
import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { getCACertificates } from "node:tls";
import { reason } from "../../errors.ts";
import { bareHost, classifyAddress } from "../../server/hosts/ip-address.ts";
import { isLoopback } from "../../server/hosts/own-address.ts";
import { CommandError } from "../failures.ts";
import { type Environment, proxyFor } from "./proxy.ts";

const MAX_REDIRECTS = 5;
/** For the head of an answer. */
const HEAD_TIMEOUT_MS = 30_000;
const REDIRECTS = [301, 302, 303, 307, 308];

export interface HttpRequest {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as a bearer to the origin of the first URL alone: a redirect to a content network does not get it. */
  readonly token?: string | undefined;
  readonly method?: "GET" | "POST";
  readonly body?: string;
  /** Ends the request, the body of its answer included. */
  readonly signal: AbortSignal;
}

/** An answer that is not a redirect, and the URL that gave it. */
export interface HttpAnswer {
  readonly response: Response;
  readonly url: URL;
}

export interface RequesterOptions {
  readonly env: Environment;
  /** Resolves a name to all its addresses. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
  /** Sends one request; tests replace it for hosts that cannot be reached from a test. */
  readonly send?: (url: string, init: BunFetchRequestInit) => Promise<Response>;
}

export class Requester {
  readonly #env: Environment;
  readonly #resolve: (name: string) => Promise<readonly string[]>;
  readonly #send: (url: string, init: BunFetchRequestInit) => Promise<Response>;
  readonly #authorities: readonly string[] | null;

  /** Throws CommandError for a bundle of certificate authorities that cannot be read. */
  constructor({
    env,
    resolve = resolveName,
    send = (target, init) => fetch(target, init),
  }: RequesterOptions) {
    this.#env = env;
    this.#resolve = resolve;
    this.#send = send;
    this.#authorities = readAuthorities(env);
  }

  /**
   * Resolves when the head of the last answer has arrived. Throws CommandError for a URL that is not allowed and for a server
   * that is not reached; the latter's cause is the network's own error.
   */
  async request(url: URL, request: HttpRequest): Promise<HttpAnswer> {
    requireSafe(url, null);
    const isPublic = await this.#isPublic(url);
    let current = url;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const address = redirects > 0 && isPublic ? await this.#publicAddress(current) : null;
      const isFirst = current.origin === url.origin;
      const response = await this.#sendOne(current, address, request, isFirst);
      const location = response.headers.get("location");
      if (!REDIRECTS.includes(response.status) || location === null)
        return { response, url: current };
      await response.body?.cancel();
      const next = URL.parse(location, current.href);
      if (next === null)
        throw new CommandError(`${shown(current)} redirects to an address that cannot be read`);
      requireSafe(next, current);
      current = next;
    }
    throw new CommandError(`${shown(url)} redirects more than ${MAX_REDIRECTS} times`);
  }

  async #sendOne(
    url: URL,
    address: string | null,
    { headers, token, method = "GET", body, signal }: HttpRequest,
    isFirstOrigin: boolean,
  ): Promise<Response> {
    const late = new AbortController();
    const timer = setTimeout(
      () => late.abort(new Error(`no answer within ${HEAD_TIMEOUT_MS / 1000} s`)),
      HEAD_TIMEOUT_MS,
    );
    const target = new URL(url);
    if (address !== null) target.hostname = isIP(address) === 6 ? `[${address}]` : address;
    const ca = this.#authorities === null ? {} : { ca: [...this.#authorities] };
    const proxy = proxyFor(url, this.#env);
    const init: BunFetchRequestInit = {
      method,
      redirect: "manual",
      signal: AbortSignal.any([signal, late.signal]),
      headers: {
        // Ranges and checksums are of the file itself.
        "Accept-Encoding": "identity",
        ...headers,
        ...(address === null ? {} : { Host: url.host }),
        ...(token !== undefined && isFirstOrigin ? { Authorization: `Bearer ${token}` } : {}),
      },
      ...(body === undefined ? {} : { body }),
      // The typings lack `timeout`, `decompress`, and false for no proxy, whatever the environment of the process says.
      ...({ timeout: false, decompress: false, proxy: proxy ?? false } as object),
      // SNI carries names only, no addresses (RFC 6066 section 3).
      tls: {
        ...ca,
        ...(address !== null && isIP(bareHost(url.hostname)) === 0 && { serverName: url.hostname }),
      },
    };
    try {
      return await this.#send(target.href, init);
    } catch (error) {
      signal.throwIfAborted();
      const by =
        proxy === null ? "" : ` through the proxy ${URL.parse(proxy)?.host ?? "(unreadable URL)"}`;
      throw new CommandError(`${shown(url)} cannot be reached${by}: ${reason(error)}`, {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether the first host is on the open Internet: then redirects must not lead into this network. */
  async #isPublic(url: URL): Promise<boolean> {
    const host = bareHost(url.hostname);
    if (isIP(host) !== 0) return classifyAddress(host) === "global";
    if (isLoopback(host)) return false;
    // A proxy resolves names in a network of its own; behind one, no name counts as private.
    if (proxyFor(url, this.#env) !== null) return true;
    return (await this.#lookUp(url)).some((one) => classifyAddress(one) === "global");
  }

  /** The address to connect to after a redirect from a public host; null where a proxy connects. */
  async #publicAddress(url: URL): Promise<string | null> {
    const host = bareHost(url.hostname);
    const isProxied = proxyFor(url, this.#env) !== null;
    if (isProxied && isIP(host) === 0 && !isLoopback(host)) return null;
    const addresses = isIP(host) !== 0 ? [host] : await this.#lookUp(url);
    const closed = addresses.find((one) => classifyAddress(one) !== "global");
    if (closed !== undefined) {
      throw new CommandError(
        `refused a redirect from the Internet to ${bareHost(url.hostname)}, which is an address of this network (${closed})`,
      );
    }
    // IPv4 is routed everywhere.
    return addresses.toSorted((one, other) => isIP(one) - isIP(other))[0] ?? null;
  }

  async #lookUp(url: URL): Promise<readonly string[]> {
    try {
      const addresses = await this.#resolve(bareHost(url.hostname));
      if (addresses.length > 0) return addresses;
    } catch (error) {
      const message = `${shown(url)} cannot be reached: ${reason(error)}`;
      throw new CommandError(message, { cause: error });
    }
    throw new CommandError(`${shown(url)} cannot be reached: there is no such host`);
  }
}

/** Only https, or http to this machine; a redirect may not leave https either. */
function requireSafe(url: URL, from: URL | null): void {
  const name = from === null ? shown(url) : `the redirect from ${shown(from)} to ${shown(url)}`;
  if (url.protocol === "https:") return;
  if (url.protocol !== "http:")
    throw new CommandError(`${name} is refused: only https:// is downloaded from`);
  if (from?.protocol === "https:")
    throw new CommandError(`${name} is refused: it leaves https for http`);
  if (!isLoopback(url.hostname)) {
    throw new CommandError(
      `${name} is refused: http:// is not protected against changes on the way; use https://`,
    );
  }
}

/** Scheme and host: paths and queries of redirects may hold signatures. */
export const shown = (url: URL): string => url.origin;

/**
 * Bun reads NODE_EXTRA_CA_CERTS and SSL_CERT_FILE by itself. The variables of requests and curl are honoured here, since
 * machines that download models are often set up for Python.
 */
function readAuthorities(env: Environment): readonly string[] | null {
  const name = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"].find((one) => env[one]);
  const path = name && env[name];
  if (!name || !path) return null;
  try {
    return [...getCACertificates("default"), readFileSync(path, "utf8")];
  } catch (error) {
    throw new CommandError(`${name} names a file that cannot be read: ${path} (${reason(error)})`);
  }
}

const resolveName = async (name: string): Promise<readonly string[]> =>
  (await lookup(name, { all: true, verbatim: true })).map(({ address }) => address);
