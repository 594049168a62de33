/** Decides which hosts a stream's channels may be at (contract.md "Hosts"), and pins the address that was checked. */

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { answerTimeout } from "../../answer-timeout.ts";
import type { Endpoint } from "../../engine/protocol/work.ts";
import { reason, WorkerError } from "../../errors.ts";
import { decodePath, OWN_CHANNELS, parseChannelUrl } from "./channel-url.ts";
import { type AddressClass, bareHost, classifyAddress, unmapped } from "./ip-address.ts";
import {
  connectHost,
  isLoopback,
  isMachineName,
  isOwnAddress,
  type ListenAddress,
} from "./own-address.ts";

const LOOKUP_TIMEOUT_MS = 2000;

export interface OwnAddress extends ListenAddress {
  /** `Authorization` header that the server's own channels want from its engines. */
  readonly authorization?: string;
}

export interface HostRules {
  /** `ALLOW_HOSTS`: names or addresses with or without a port, or `*`. */
  readonly allowHosts: readonly string[];
  /** Origins (scheme, host and port) of `ORCH_URL`, in the form of `URL.origin`. */
  readonly orchestrators: readonly string[];
  /** `ORCH_TLS_VERIFY`: check the certificates of an orchestrator's channels. */
  readonly verifyOrchestrators?: boolean;
  /** `ORCH_CA`: certificate authorities to check them against, as PEM. Implies the above. */
  readonly orchestratorCa?: string;
}

/**
 * Whose rules apply: those of any caller (seed), those of an orchestrator, whose channels are named after the stream, or
 * those of a live-runner session, whose channels its own orchestrator has made.
 */
export type HostRuleset =
  | { mode: "seed" }
  | { mode: "orchestrator"; streamId: string; suffix: string }
  | { mode: "session"; isOrchestrator: (origin: string) => boolean };

/** Resolves a name to all of its addresses; throws when it has none. */
export type Resolve = (name: string) => Promise<readonly string[]>;

/** A channel's URL with what its host was resolved to. */
interface Target {
  readonly field: string;
  readonly url: URL;
  readonly port: number;
  readonly addresses: readonly string[];
}

export class HostPolicy {
  readonly #rules: HostRules;
  readonly #resolve: Resolve;
  #own: OwnAddress | null = null;

  constructor(rules: HostRules, resolve: Resolve = resolveName) {
    this.#rules = rules;
    this.#resolve = resolve;
  }

  /** Call once, when the port is known. */
  listensOn(own: OwnAddress): void {
    this.#own = own;
  }

  /** Whether `ALLOW_HOSTS` names the host of this origin, as it is spelt there. */
  allows(origin: string): boolean {
    const url = URL.parse(origin);
    return url !== null && this.#names(url.hostname, portOf(url));
  }

  /**
   * Returns the channel behind `url`, to be connected to at its pinned address. Sends nothing but name look-ups.
   * Throws `invalid_request` for a URL that cannot be a channel's, `refused_host` for a host that is not allowed, and
   * `channel_refused` for one that does not resolve; all name `field`.
   */
  async check(field: string, url: string, ruleset: HostRuleset): Promise<Endpoint> {
    const parsed = parseChannelUrl(field, url);
    const target = await this.#target(field, parsed);
    const own = this.#isOwn(target);
    if (own && !parsed.pathname.startsWith(OWN_CHANNELS)) throw notOwnChannel(field);
    if (!own && !this.#isListed(target)) this.#assertAllowed(target, ruleset);
    if (ruleset.mode === "orchestrator") assertNamedAfter(field, parsed, ruleset);
    const [address = ""] = target.addresses;
    return {
      url: String(parsed).replace(/\/+$/, ""),
      address: own ? (ownAddress(own) ?? address) : address,
      ...(own?.authorization ? { authorization: own.authorization } : {}),
      ...this.#tls(ruleset),
    };
  }

  /** Resolves the host; the first address is the one to connect to. */
  async #target(field: string, url: URL): Promise<Target> {
    const name = bareHost(url.hostname);
    const port = portOf(url);
    const resolved = isIP(name) ? [name] : await this.#lookUp(field, name);
    // Only one address is pinned, so there is no falling back to the other family: IPv4 is routed everywhere.
    const addresses = resolved.toSorted((one, other) => isIP(one) - isIP(other));
    if (addresses.length === 0) throw refused(field, `${name} has no address`);
    return { field, url, port, addresses };
  }

  #assertAllowed({ field, url, addresses }: Target, ruleset: HostRuleset): void {
    if (ruleset.mode === "session") {
      if (ruleset.isOrchestrator(url.origin)) return;
      throw refused(field, `${url.origin} is not the scheme, host and port of the orchestrator`);
    }
    if (ruleset.mode === "orchestrator") {
      if (this.#rules.orchestrators.includes(url.origin)) return;
      throw refused(field, `${url.origin} is not the scheme, host and port of an ORCH_URL`);
    }
    const closed = addresses.find((one) => !this.#isOpen(classifyAddress(one)));
    if (closed === undefined) return;
    const name = bareHost(url.hostname);
    const at = name === closed ? "" : ` at ${closed}, which is`;
    throw refused(field, `${name} is${at} not reachable over the open Internet`);
  }

  #isListed({ url: { hostname }, port, addresses }: Target): boolean {
    if (this.#names(hostname, port)) return true;
    // Addresses are listed as a URL spells them.
    const spelt = (address: string) => (isIP(address) === 6 ? `[${address}]` : address);
    return addresses.map(unmapped).every((one) => this.#names(spelt(one), port));
  }

  #names(host: string, port: number): boolean {
    const { allowHosts } = this.#rules;
    return ["*", host, `${host}:${port}`].some((one) => allowHosts.includes(one));
  }

  #isOpen(kind: AddressClass): boolean {
    if (kind === "global") return true;
    const loopbackOnly = this.#own !== null && isLoopback(this.#own.host);
    return loopbackOnly && (kind === "loopback" || kind === "private");
  }

  #isOwn({ port, addresses }: Target): OwnAddress | null {
    const own = this.#own;
    return own && addresses.every((one) => isOwnAddress(one, port, own)) ? own : null;
  }

  #tls({ mode }: HostRuleset): Pick<Endpoint, "verifyTls" | "ca"> {
    if (mode === "seed") return { verifyTls: true };
    const { verifyOrchestrators, orchestratorCa: ca } = this.#rules;
    if (ca !== undefined) return { verifyTls: true, ca };
    return verifyOrchestrators ? { verifyTls: true } : {};
  }

  async #lookUp(field: string, name: string): Promise<readonly string[]> {
    using late = answerTimeout(LOOKUP_TIMEOUT_MS);
    const { signal } = late;
    const deadline = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    try {
      return await Promise.race([this.#resolve(name), deadline]);
    } catch (error) {
      if (isLoopback(name) || isMachineName(name)) return ["127.0.0.1"];
      const message = `${field}: the host ${name} could not be resolved (${reason(error)})`;
      throw new WorkerError("channel_refused", message, {
        cause: error,
        details: [{ field, problem: "its host could not be resolved" }],
      });
    }
  }
}

const portOf = ({ port, protocol }: URL): number =>
  Number(port || (protocol === "https:" ? 443 : 80));

/** Null where the server listens at a name. */
function ownAddress({ host }: ListenAddress): string | null {
  const address = connectHost(host);
  return isIP(address) === 0 ? null : address;
}

/** Only its channels: no other route of this server may be called in the name of a stream. */
function notOwnChannel(field: string): WorkerError {
  const problem = `must be below ${OWN_CHANNELS} on this server`;
  return new WorkerError("refused_host", `${field} ${problem}`, { details: [{ field, problem }] });
}

/** The message holds no channel name: it is a credential, and the caller knows what it sent. */
function assertNamedAfter(
  field: string,
  { pathname }: URL,
  { streamId, suffix }: Extract<HostRuleset, { mode: "orchestrator" }>,
): void {
  const name = pathname.replace(/\/+$/, "").split("/").at(-1) ?? "";
  if (decodePath(name) === `${streamId}${suffix}`) return;
  const problem = `must end in the stream's id${suffix === "" ? "" : ` and "${suffix}"`}`;
  throw new WorkerError("refused_host", `${field} ${problem}`, { details: [{ field, problem }] });
}

function refused(field: string, why: string): WorkerError {
  const message = `${field}: ${why}; an operator can allow it with --allow-hosts`;
  return new WorkerError("refused_host", message, { details: [{ field, problem: why }] });
}

const resolveName: Resolve = async (name) =>
  (await lookup(name, { all: true, verbatim: true })).map(({ address }) => address);
