/** Divides the server's channels, bytes and requests between its own streams and its peers. */
import { isIPv4, isIPv6 } from "node:net";
import { Quota } from "./quota.ts";

/** Who sent a request, as the HTTP layer knows it. What each peer may use is limited. */
export interface TricklePeer {
  /** IP address, by which remote peers are told apart. */
  readonly address: string;
  /**
   * `own`: an engine of this server. `trusted`: a program on this machine, or a bearer of one of the server's tokens.
   * `remote`: anybody else, also through a proxy on this machine.
   */
  readonly kind: "own" | "trusted" | "remote";
  /** Closes the request's connection soon, even while its socket takes nothing. */
  readonly disconnect: () => void;
  /** Called when the request is answered to its end: its connection may then be silent as briefly as any other. */
  readonly answered: () => void;
}

/** What one peer may use. */
export interface PeerQuota {
  readonly channels: Quota;
  readonly bytes: Quota;
  /** Requests that are not answered to their end: each holds a connection. */
  readonly requests: Quota;
}

/** Upper bounds for the three resources. */
export interface ResourceLimits {
  readonly channels: number;
  readonly bytes: number;
  readonly requests: number;
}

/** The part of everything that peers may use together. The rest is kept for the server's own streams. */
const PEERS: ResourceLimits = { channels: 3 / 4, bytes: 3 / 4, requests: 3 / 4 };
/** The part of everything that one remote peer may use: 32 channels, 128 MiB and 256 requests by default. */
const ONE_PEER: ResourceLimits = { channels: 1 / 4, bytes: 1 / 2, requests: 1 / 8 };

/**
 * Hands out quotas: the server's own streams may use everything, all others together three quarters of it, and one
 * remote peer the part in `ONE_PEER`. Trusted peers are not limited one by one: many programs of the operator's have the
 * one address of this machine, ffmpeg, players and gateways among them.
 */
export class PeerQuotas {
  readonly #limits: ResourceLimits;
  readonly #own: PeerQuota;
  readonly #shared: PeerQuota;
  readonly #remotes = new Map<string, PeerQuota>();

  constructor(limits: ResourceLimits) {
    this.#limits = limits;
    this.#own = quotas(limits, "shared");
    this.#shared = quotas(partOf(limits, PEERS), "shared", this.#own);
  }

  /** Bytes that all peers use together. */
  get bytes(): number {
    return this.#own.bytes.used;
  }

  /** Open requests of all peers together. */
  get requests(): number {
    return this.#own.requests.used;
  }

  of(peer: TricklePeer): PeerQuota {
    switch (peer.kind) {
      case "own":
        return this.#own;
      case "trusted":
        return this.#shared;
      case "remote":
        return this.#remote(networkOf(peer.address));
      default:
        return peer.kind satisfies never;
    }
  }

  /** Forgets remote peers that use nothing. */
  prune(): void {
    for (const [network, { channels, bytes, requests }] of this.#remotes)
      if (channels.used + bytes.used + requests.used === 0) this.#remotes.delete(network);
  }

  #remote(network: string): PeerQuota {
    const known = this.#remotes.get(network);
    if (known !== undefined) return known;
    const quota = quotas(partOf(this.#limits, ONE_PEER), "peer", this.#shared);
    this.#remotes.set(network, quota);
    return quota;
  }
}

const partOf = (limits: ResourceLimits, part: ResourceLimits): ResourceLimits => ({
  channels: Math.ceil(limits.channels * part.channels),
  bytes: Math.ceil(limits.bytes * part.bytes),
  requests: Math.ceil(limits.requests * part.requests),
});

const quotas = (
  limits: ResourceLimits,
  scope: "peer" | "shared",
  parent?: PeerQuota,
): PeerQuota => {
  const quota = (resource: keyof ResourceLimits): Quota =>
    new Quota({ limit: limits[resource], scope, ...(parent && { parent: parent[resource] }) });
  return { channels: quota("channels"), bytes: quota("bytes"), requests: quota("requests") };
};

/**
 * The address itself; of IPv6 the first 64 bits, since one subscriber has all addresses that begin with them (RFC 6177).
 * Texts that are not addresses share one name.
 */
function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  if (isIPv4(plain)) return plain;
  if (!isIPv6(plain)) return "unknown";
  const [head = "", tail] = plain.split("::");
  const groups = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? 0 : tail.split(":").length;
  const missing = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after);
  const all = [...groups, ...Array<string>(missing).fill("0"), ...(tail ? tail.split(":") : [])];
  return `${all.slice(0, 4).join(":")}::/64`;
}
