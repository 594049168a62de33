/** Hides who may call what (contract.md "Tokens"): bearer tokens of operators and of orchestrators. */
import { createHash, timingSafeEqual } from "node:crypto";
import { Elysia } from "elysia";
import { WorkerError } from "../../errors.ts";
import { isLoopback } from "../hosts/own-address.ts";

export interface TokenRules {
  /** `API_TOKEN`: opens every route. */
  readonly api?: string;
  /** `CAPABILITY_TOKEN`: opens what an orchestrator calls. */
  readonly capability?: string;
}

/** `shared` routes are called by orchestrators and by anybody else: CAPABILITY_TOKEN alone does not close them. */
type Audience = "everybody" | "orchestrators" | "shared" | "operators" | "trickle-writers";

export class Tokens {
  readonly #api: Buffer | null;
  readonly #capability: Buffer | null;

  constructor(rules: TokenRules) {
    this.#api = rules.api === undefined ? null : digest(rules.api);
    this.#capability = rules.capability === undefined ? null : digest(rules.capability);
  }

  /** False where every request is admitted. */
  get any(): boolean {
    return this.#api !== null || this.#capability !== null;
  }

  /** True if the request bears a token that is known here. */
  holds(request: Request): boolean {
    const bearer = bearerOf(request);
    const known = [this.#api, this.#capability].filter((one) => one !== null);
    return bearer !== null && known.some((token) => timingSafeEqual(bearer, token));
  }

  /**
   * Throws `forbidden` (403) for a missing bearer and `unauthorized` (401) for a wrong one, which makes an
   * orchestrator drop the capability (protocol.md 1.3). `peer` is the caller's address; null is this process.
   */
  admit(request: Request, peer: string | null): void {
    const audience = audienceOf(request.method, new URL(request.url).pathname);
    const local = peer === null || isLoopback(peer);
    if (audience === "everybody" || (audience === "trickle-writers" && local)) return;
    const network = audience === "orchestrators" || audience === "shared";
    const known = [this.#api, network ? this.#capability : null].filter((one) => one !== null);
    if (known.length === 0) return;
    const bearer = bearerOf(request);
    if (bearer !== null) {
      if (known.some((token) => timingSafeEqual(bearer, token))) return;
      throw new WorkerError("unauthorized", "the bearer token is not the server's");
    }
    if (audience === "shared" && this.#api === null) return;
    throw new WorkerError("forbidden", "send Authorization: Bearer with the server's token");
  }
}

/** Checks every request before anything of it is read. */
export const tokensPlugin = (tokens: Tokens) =>
  new Elysia({ name: "tokens" }).onRequest(({ request, server }) => {
    if (!tokens.any) return;
    const peer = server === null ? null : (server.requestIP(request)?.address ?? "unknown");
    tokens.admit(request, peer);
  });

function audienceOf(method: string, path: string): Audience {
  if (method === "OPTIONS") return "everybody";
  if (path.startsWith("/trickle/"))
    return method === "GET" || method === "HEAD" ? "everybody" : "trickle-writers";
  if (method === "GET" && ["/", "/health", "/version"].includes(path)) return "everybody";
  if (method !== "POST") return "operators";
  if (/^\/stream\/[^/]+\/params$/.test(path)) return "operators";
  return /^\/(api\/)?stream\/|^\/process\/request\//.test(path) ? "shared" : "orchestrators";
}

function bearerOf(request: Request): Buffer | null {
  const token = /^Bearer\s+(\S+)\s*$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  return token === undefined ? null : digest(token);
}

// Digests are of one length, so comparing tells nothing about the token.
const digest = (token: string) => createHash("sha256").update(token).digest();
