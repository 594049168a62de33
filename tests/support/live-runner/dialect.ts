/** Lists in which respects go-livepeer 0.9 and livepeer-node 1.0 answer a runner and its clients differently (live-runner.md 1). */
import { randomBytes } from "node:crypto";

export type DialectName = "go-livepeer" | "livepeer-node";

export interface Dialect {
  readonly name: DialectName;
  readonly ttlMs: number;
  /** A reservation of a runner whose places are all taken. */
  readonly fullStatus: 503 | 409;
  /** A full runner stays in /discovery. */
  readonly listsFullRunners: boolean;
  /** A callback with a token that is not the session's. */
  readonly wrongTokenStatus: 401 | 403;
  /** A callback about channels or proxies of a session that does not exist. */
  readonly unknownSessionStatus: 404 | 403;
  /** The client's stop of a session that does not exist. */
  readonly stopsUnknownSessions: boolean;
  /** A release cuts the proxied calls of the session. */
  readonly cutsCallsOnRelease: boolean;
  /** Sets X-Forwarded-* on the hop to the runner. */
  readonly forwards: boolean;
  /** Largest trickle segment in bytes; 413 above. */
  readonly maxSegmentBytes: number;
  /** Trickle requests at a time; 503 above. */
  readonly maxStreamRequests: number;
  /** A POST whose channel closes is answered with `Lp-Trickle-Closed`, not with a bare 200. */
  readonly tellsPublishersOfTheEnd: boolean;
  /** A channel without a byte for this long is swept. */
  readonly channelIdleMs: number;
  /** An answer without content, as to a stop. */
  done(): Response;
  error(status: number, message: string): Response;
  sessionId(): string;
  /** Name of a session's channel on the trickle server. */
  channelName(sessionId: string, name: string): string;
  o2rName(runnerId: string): string;
}

const GIB = 2 ** 30;
const DAY_MS = 86_400_000;
const hex = (): string => randomBytes(16).toString("hex");
/** Eight characters of Go's lower-case base32. */
const short = (): string =>
  Array.from(randomBytes(8), (byte) => "abcdefghijklmnopqrstuvwxyz234567"[byte % 32]).join("");

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  "go-livepeer": {
    name: "go-livepeer",
    ttlMs: 20_000,
    fullStatus: 503,
    listsFullRunners: true,
    wrongTokenStatus: 401,
    unknownSessionStatus: 404,
    stopsUnknownSessions: true,
    cutsCallsOnRelease: false,
    forwards: false,
    maxSegmentBytes: GIB,
    maxStreamRequests: Number.POSITIVE_INFINITY,
    tellsPublishersOfTheEnd: true,
    channelIdleMs: 300_000,
    done: () => new Response(null, { status: 204 }),
    error: (status, message) => new Response(`${message}\n`, { status }),
    sessionId: () => `session_${short()}`,
    channelName: (sessionId, name) => `${sessionId}-${name}`,
    o2rName: (runnerId) => `${runnerId}-${hex().slice(0, 16)}-o2r`,
  },
  "livepeer-node": {
    name: "livepeer-node",
    ttlMs: 30_000,
    fullStatus: 409,
    listsFullRunners: false,
    wrongTokenStatus: 403,
    unknownSessionStatus: 403,
    stopsUnknownSessions: false,
    cutsCallsOnRelease: true,
    forwards: true,
    maxSegmentBytes: 10_000_000,
    maxStreamRequests: 256,
    tellsPublishersOfTheEnd: false,
    channelIdleMs: DAY_MS, // the code exists, but no revision that was read starts it
    done: () => Response.json({ ok: true }),
    error: (status, message) => Response.json({ error: message }, { status }),
    sessionId: hex,
    channelName: hex,
    o2rName: hex,
  },
};

/** A request that is answered with an error in the dialect's form. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A secret or token. */
export const newSecret = hex;

/** Formats milliseconds as Go prints a duration: `500ms`, `1.5s`, `1m0s`. */
export function goDuration(milliseconds: number): string {
  if (milliseconds < 1000) return milliseconds === 0 ? "0s" : `${milliseconds}ms`;
  const hours = Math.floor(milliseconds / 3_600_000);
  const minutes = Math.floor(milliseconds / 60_000) % 60;
  const seconds = `${(milliseconds % 60_000) / 1000}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
