/**
 * Decides who may call a route (contract.md "Who may do what"). Every route is declared with one of the audiences below;
 * `assertGuarded` refuses an app that has a route without one. The path is never looked at.
 */
import { timingSafeEqual } from "node:crypto";
import type { AnyElysia } from "elysia";
import { WorkerError } from "../../../errors.ts";
import { HttpError } from "../http-error.ts";
import { rejectForm } from "./browser-rules.ts";
import { bearerDigestOf, digest, type Incoming, isFromThisMachine } from "./caller.ts";

/**
 * `open`: everybody. `operator`: whoever runs this server. `orchestrator`: the orchestrators it is registered with, and
 * operators with a token. `trickleWriter`: operators, and this server's engines.
 */
export type Audience = "open" | "operator" | "orchestrator" | "trickleWriter";
type Closed = Exclude<Audience, "open">;

/** The callers of an orchestrator's route. */
export type CallerRole = Extract<Audience, "operator" | "orchestrator">;

export interface AccessTokens {
  /** `API_TOKEN`: opens every route. */
  readonly api?: string;
  /** `CAPABILITY_TOKEN`: opens the orchestrators' routes. Where there is one, they are closed without it. */
  readonly capability?: string;
  /** What this server's own engines send; opens writing to `/trickle` and nothing else. */
  readonly engine?: string;
  /** What the playground sends on this machine; opens what orchestrators call, where there is no `api`. */
  readonly page?: string;
}

/** Options of a route that let its audience in and throw for everybody else. */
export interface RouteGuard {
  readonly transform: (incoming: Incoming) => void;
}

/** As `RouteGuard`, for a route whose path has the parameter `key`. */
export interface KeyGuard<Params extends { readonly key: string }> {
  readonly transform: (call: { readonly request: Request; readonly params: Params }) => void;
}

const guards = new WeakSet<object>();

export class AccessPolicy {
  readonly #api: Buffer | null;
  readonly #capability: Buffer | null;
  readonly #engine: Buffer | null;
  /** As it is sent, and hashed. */
  readonly #page: { readonly token: string; readonly digest: Buffer } | null;

  /** @example app.get("/streams", listStreams, { ...access.operator, response }) */
  readonly open = guard(() => {});
  readonly operator = guard((incoming) => this.#admit("operator", incoming));
  readonly orchestrator = guard((incoming) => this.#admit("orchestrator", incoming));
  readonly trickleWriter = guard((incoming) => this.#admit("trickleWriter", incoming));
  /** An orchestrator names a stream by `X-Stream-Id`; without the header the caller is an operator. */
  readonly byStreamId = guard((incoming) => {
    const named = incoming.request.headers.has("x-stream-id");
    this.#admit(named ? "orchestrator" : "operator", incoming);
  });

  /** Whoever knows the key in the path, `:key`. For everybody else there is no such route. */
  keyed<Params extends { readonly key: string }>(
    opens: (params: Params, request: Request) => boolean,
  ): KeyGuard<Params> {
    const transform: KeyGuard<Params>["transform"] = ({ request, params }) => {
      if (!opens(params, request)) throw new HttpError(404, "not_found", "there is no such route");
    };
    guards.add(transform);
    return { transform };
  }

  constructor({ api, capability, engine, page }: AccessTokens) {
    this.#api = api === undefined ? null : digest(api);
    this.#capability = capability === undefined ? null : digest(capability);
    this.#engine = engine === undefined ? null : digest(engine);
    this.#page =
      api === undefined && page !== undefined ? { token: page, digest: digest(page) } : null;
  }

  /** True if the request bears a token that opens the orchestrators' routes. */
  bearsToken(request: Request): boolean {
    const bearer = bearerDigestOf(request);
    return is(bearer, this.#api) || is(bearer, this.#capability);
  }

  /** Role of a caller on an orchestrator's route; one that also passes as operator counts as operator. */
  roleOf(incoming: Incoming): CallerRole {
    const bearer = bearerDigestOf(incoming.request);
    const isOrchestrator = is(bearer, this.#capability) && !is(bearer, this.#api);
    return !isOrchestrator && this.#opens("operator", incoming) ? "operator" : "orchestrator";
  }

  /** True if one of this server's own engines sent the request. */
  isEngine(request: Request): boolean {
    return is(bearerDigestOf(request), this.#engine);
  }

  /**
   * The token to give to a playground that is opened on this machine, so that it can start streams where orchestrators
   * need a token; null for everybody else. A script of another origin that reads the page is told apart by its `Origin`.
   */
  pageToken(incoming: Incoming): string | null {
    const isScript = incoming.request.headers.has("origin");
    return this.#capability !== null && !isScript && isFromThisMachine(incoming)
      ? (this.#page?.token ?? null)
      : null;
  }

  /** Throws unless the caller may learn which routes there are: operators and orchestrators. */
  admitToUnknownPath(incoming: Incoming): void {
    if (this.#opens("orchestrator", incoming) || this.#opens("operator", incoming)) return;
    throw this.#refusal("operator", incoming.request);
  }

  #admit(audience: Closed, incoming: Incoming): void {
    if (!this.#opens(audience, incoming)) throw this.#refusal(audience, incoming.request);
    if (audience !== "trickleWriter") rejectForm(incoming.request);
  }

  /** False where the server has no tokens: then every route is open. */
  get #isClosed(): boolean {
    return this.#api !== null || this.#capability !== null;
  }

  #opens(audience: Closed, incoming: Incoming): boolean {
    if (!this.#isClosed) return true;
    const bearer = bearerDigestOf(incoming.request);
    if (is(bearer, this.#api)) return true;
    // Engines connect to channels that callers named, so coming from this machine gives them no rights.
    if (is(bearer, this.#engine)) return audience === "trickleWriter";
    switch (audience) {
      case "operator":
        return this.#api === null && isFromThisMachine(incoming);
      case "orchestrator":
        return is(bearer, this.#capability) || this.#isPage(bearer, incoming);
      case "trickleWriter":
        return this.#api === null && isFromThisMachine(incoming);
      default:
        return audience satisfies never;
    }
  }

  #isPage(bearer: Buffer | null, incoming: Incoming): boolean {
    return is(bearer, this.#page?.digest ?? null) && isFromThisMachine(incoming);
  }

  /**
   * `unauthorized` (401) for a bearer that is no token of this server: an orchestrator drops the capability on it
   * (protocol.md 1.3). Everything else is `forbidden` (403), also a token that opens other routes: a gateway's user may
   * ask an orchestrator for any path, and must not make it drop the capability.
   */
  #refusal(audience: Closed, request: Request): WorkerError {
    const bearer = bearerDigestOf(request);
    if (bearer !== null) {
      const isPage = is(bearer, this.#page?.digest ?? null);
      const known = isPage || this.bearsToken(request) || this.isEngine(request);
      return known
        ? new WorkerError("forbidden", "the bearer token does not open this route")
        : new WorkerError("unauthorized", "the bearer token is not one of this server's");
    }
    if (audience === "orchestrator") return new WorkerError("forbidden", WANTS_CAPABILITY_TOKEN);
    return new WorkerError("forbidden", this.#api === null ? WANTS_THIS_MACHINE : WANTS_API_TOKEN);
  }
}

const WANTS_CAPABILITY_TOKEN =
  "this route is for orchestrators: send CAPABILITY_TOKEN or API_TOKEN as Authorization: Bearer";
const WANTS_API_TOKEN = "send the server's API_TOKEN as Authorization: Bearer";
const WANTS_THIS_MACHINE =
  "this route is open only to programs on the server's machine; to call it from elsewhere, start the server with --api-token and send the token as Authorization: Bearer";

/** Throws if any route of the app was declared without an audience. `exempt`: paths that libraries add. */
export function assertGuarded(app: AnyElysia, exempt: readonly string[]): void {
  for (const { method, path, hooks } of app.routes) {
    // Preflights are answered by the CORS plugin and reveal nothing.
    if (method === "OPTIONS" || exempt.includes(path)) continue;
    const hooked: readonly unknown[] = [hooks.transform ?? []].flat();
    if (!hooked.some(isGuard)) throw new Error(`no audience is declared for ${method} ${path}`);
  }
}

function guard(admit: (incoming: Incoming) => void): RouteGuard {
  // Elysia reads a hook's source: it prepares the members that are named, and awaits what looks like `=> call(`.
  function transform({ request, server }: Incoming): void {
    admit({ request, server });
  }
  guards.add(transform);
  return { transform };
}

/** Elysia wraps hooks that it merges as `{ fn }`. */
const isGuard = (hook: unknown): boolean => {
  const bare: unknown = typeof hook === "object" && hook !== null ? Reflect.get(hook, "fn") : hook;
  return typeof bare === "function" && guards.has(bare);
};

const is = (bearer: Buffer | null, token: Buffer | null): boolean =>
  bearer !== null && token !== null && timingSafeEqual(bearer, token);
