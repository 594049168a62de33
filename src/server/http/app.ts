/** Composes the HTTP side. Listens to nothing: see http-server. */
import { cors } from "@elysiajs/cors";
import { type AnyElysia, Elysia } from "elysia";
import type { StreamAccess } from "../../capabilities/capability.ts";
import { imageAccess } from "../image-request.ts";
import { selectProtocol } from "../protocols/select-protocol.ts";
import { type CapabilityRoutesOptions, capabilityRoutes } from "./capability-routes.ts";
import { errorPlugin } from "./error-plugin.ts";
import { HttpError } from "./http-error.ts";
import { openapiRoutes } from "./openapi-routes.ts";
import { type OpsOptions, opsRoutes } from "./ops-routes.ts";
import { playgroundRoutes } from "./playground-routes.ts";
import { withUsableUrl } from "./request-url.ts";
import { type StreamServices, streamRoutes } from "./stream-routes.ts";
import { tokensPlugin } from "./tokens.ts";
import { type TrickleHandler, trickleRoutes } from "./trickle-routes.ts";
import { workerRoutes } from "./worker-routes.ts";

export interface AppDeps
  extends StreamServices,
    OpsOptions,
    Omit<CapabilityRoutesOptions, "streams" | "images"> {
  readonly corsOrigins: readonly string[];
  /** Null: no embedded trickle server. */
  readonly trickle: TrickleHandler | null;
}

/** The whole API; ask it with `app.handle(request)`. */
export function createApp(deps: AppDeps): AnyElysia {
  const { tokens, corsOrigins, trickle } = deps;
  const streams = streamAccess(deps);
  // `standardHostname` would misread URLs whose host is shorter than four characters.
  const app: AnyElysia = new Elysia({ normalize: false, handler: { standardHostname: false } })
    .use(errorPlugin(() => app))
    .use(
      cors({
        origin: corsOrigins.includes("*") ? "*" : [...corsOrigins],
        credentials: false,
        methods: ["GET", "POST", "DELETE", "OPTIONS"],
        allowedHeaders: ["Content-Type", "Authorization", "Livepeer", "X-Stream-Id"],
        exposeHeaders: ["X-Metadata", "Lp-Trickle-Seq", "Lp-Trickle-Latest", "Lp-Trickle-Closed"],
        maxAge: 3600,
      }),
    )
    .onRequest(({ request }) => rejectUndecodable(request))
    .use(tokensPlugin(tokens))
    .use(opsRoutes(deps))
    .use(playgroundRoutes())
    .use(openapiRoutes(deps.version))
    .use(streamRoutes(deps))
    .use(workerRoutes(deps))
    .use(capabilityRoutes({ ...deps, streams, images: imageAccess(deps.pool) }))
    .wrap((fetch) => (request: Request) => fetch(withUsableUrl(request)));
  if (trickle !== null) app.use(trickleRoutes(trickle));
  return app;
}

/** Starts streams for capabilities. */
const streamAccess = ({ starter, store, protocols }: StreamServices): StreamAccess => ({
  start: async (body, capability, signal) => {
    const protocol = selectProtocol(body, protocols);
    const { stream } = await starter.start(protocol, { body, streamId: null, capability });
    if (signal.aborted) store.end(stream);
    return { manifest_id: stream.id, stream_url: stream.toJSON().stream_url ?? "" };
  },
});

function rejectUndecodable(request: Request): void {
  if (!request.url.includes("%")) return;
  try {
    decodeURIComponent(new URL(request.url).pathname);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw new HttpError(400, "invalid_request", "the path holds escapes that cannot be decoded");
  }
}
