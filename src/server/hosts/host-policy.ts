/** Hides which hosts a stream may connect to (contract.md "Hosts") and pins the address that was judged. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import type { Endpoint } from "../../engine/protocol/work.ts";
import { reason, WorkerError } from "../../errors.ts";
import { type AddressClass, classifyAddress } from "./ip-address.ts";

const LOOKUP_TIMEOUT_MS = 2000;

/** Where this server listens; `authorization` is what its own channels want. */
export interface OwnAddress {
  readonly host: string;
  readonly port: number;
  readonly authorization?: string;
}

export interface HostRules {
  /** `ALLOW_HOSTS`: hosts with or without a port, or `*`. */
  readonly allowHosts: readonly string[];
  /** Hosts of `ORCH_URL`, the only ones orchestrator mode trusts beside our own. */
  readonly orchestratorHosts: readonly string[];
}

/** Who names the channel: anybody (seed), or an orchestrator, whose channels carry the stream's id. */
export type Caller = { mode: "seed" } | { mode: "orchestrator"; streamId: string; suffix: string };

/** Every address of a name; throws when it has none. */
export type Resolve = (name: string) => Promise<readonly string[]>;

export class HostPolicy {
  readonly #rules: HostRules;
  readonly #resolve: Resolve;
  #own: OwnAddress | null = null;

  constructor(rules: HostRules, resolve: Resolve = resolveName) {
    this.#rules = rules;
    this.#resolve = resolve;
  }

  /** Told once by main when the port is known. */
  listensOn(own: OwnAddress): void {
    this.#own = own;
  }

  /**
   * The channel behind `url`, safe to connect to at its pinned address. Sends nothing but name look-ups.
   * Throws `invalid_request` for what is no channel URL and `refused_host` for where we may not go; both name `field`.
   */
  async check(field: string, url: string, caller: Caller): Promise<Endpoint> {
    const parsed = parseChannelUrl(field, url);
    const name = parsed.hostname.replace(/^\[|\]$/g, "");
    const port = Number(parsed.port || (parsed.protocol === "https:" ? 443 : 80));
    const addresses = isIP(name) ? [name] : await this.#lookUp(field, name);
    // One address is pinned, so nothing can fall back to the other family: IPv4 is what every box routes.
    const address = addresses.find((one) => isIP(one) === 4) ?? addresses[0];
    if (address === undefined) throw refused(field, `${name} has no address`);
    const own = addresses.every((one) => this.#isOwn(one, port));
    const listed = own || this.#isListed(parsed.hostname, port);
    if (caller.mode === "orchestrator") {
      if (!listed && !this.#rules.orchestratorHosts.includes(parsed.hostname))
        throw refused(field, `${parsed.hostname} is no host of ORCH_URL`);
      const channel = decodePath(parsed.pathname.split("/").at(-1) ?? "");
      if (channel !== `${caller.streamId}${caller.suffix}`)
        throw notOurs(
          field,
          `must be the channel ${caller.streamId}${caller.suffix}, got ${channel}`,
        );
    } else if (!listed) {
      const worst = addresses.find((one) => !this.#isOpen(classifyAddress(one)));
      if (worst !== undefined) {
        const place = name === worst ? "" : `at ${worst}, which is `;
        throw refused(field, `${name} is ${place}not routed by the open Internet`);
      }
    }
    return {
      url: String(parsed).replace(/\/+$/, ""),
      address,
      ...(own && this.#own?.authorization ? { authorization: this.#own.authorization } : {}),
    };
  }

  #isListed(hostname: string, port: number): boolean {
    const { allowHosts } = this.#rules;
    return ["*", hostname, `${hostname}:${port}`].some((one) => allowHosts.includes(one));
  }

  #isOpen(kind: AddressClass): boolean {
    if (kind === "global") return true;
    const loopbackOnly = this.#own !== null && isLoopback(this.#own.host);
    return loopbackOnly && (kind === "loopback" || kind === "private");
  }

  #isOwn(address: string, port: number): boolean {
    if (port !== this.#own?.port) return false;
    const { host } = this.#own;
    const wildcard = host === "0.0.0.0" || host === "::";
    if (isLoopback(address)) return wildcard || isLoopback(host);
    if (!wildcard) return address === host;
    return Object.values(networkInterfaces())
      .flat()
      .some((one) => one?.address === address);
  }

  async #lookUp(field: string, name: string): Promise<readonly string[]> {
    const late = AbortSignal.timeout(LOOKUP_TIMEOUT_MS);
    const deadline = new Promise<never>((_, reject) => {
      late.addEventListener("abort", () => reject(late.reason), { once: true });
    });
    try {
      return await Promise.race([this.#resolve(name), deadline]);
    } catch (error) {
      const message = `${field}: the host ${name} could not be resolved (${reason(error)})`;
      throw new WorkerError("channel_refused", message, {
        cause: error,
        details: [{ field, problem: "its host could not be resolved" }],
      });
    }
  }
}

/** True for `localhost` and loopback addresses in any spelling. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || classifyAddress(host) === "loopback";

/** Whether two checked channels are one: by their URLs, with all spellings of loopback alike. */
export function isSameChannel(one: Endpoint, other: Endpoint): boolean {
  const [a, b] = [one, other].map(({ url, address = "" }) => {
    const spelled = new URL(url);
    if (isLoopback(address)) spelled.hostname = "localhost";
    return spelled.href;
  });
  return a === b;
}

function parseChannelUrl(field: string, url: string): URL {
  const parsed = URL.parse(url);
  const problem = ((): string | null => {
    if (parsed === null || !/^https?:\/\//i.test(url)) return "must be an http or https URL";
    if (parsed.username !== "" || parsed.password !== "") return "must not hold credentials";
    if (parsed.search !== "" || parsed.hash !== "") return "must not hold a query or a fragment";
    if (decodePath(parsed.pathname) === null) return "must have a path that can be decoded";
    return null;
  })();
  if (parsed !== null && problem === null) return parsed;
  const shown = problem?.includes("credentials")
    ? ""
    : `, got ${JSON.stringify(url.slice(0, 200))}`;
  throw new WorkerError("invalid_request", `${field} ${problem}${shown}`, {
    details: [{ field, problem: problem ?? "" }],
  });
}

function decodePath(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null; // the one thing it throws for is bad escapes
  }
}

function notOurs(field: string, problem: string): WorkerError {
  return new WorkerError("refused_host", `${field} ${problem}`, { details: [{ field, problem }] });
}

function refused(field: string, why: string): WorkerError {
  const message = `${field}: ${why}; an operator can allow it with --allow-hosts`;
  return new WorkerError("refused_host", message, { details: [{ field, problem: why }] });
}

const resolveName: Resolve = async (name) =>
  (await lookup(name, { all: true, verbatim: true })).map(({ address }) => address);
