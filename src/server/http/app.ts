/** Composes the HTTP side. Does not listen: see listen.ts. */
import { cors } from "@elysiajs/cors";
import { type AnyElysia, Elysia } from "elysia";
import type { StreamAccess } from "../../capabilities/capability.ts";
import { imageAccess } from "../image-request.ts";
import type { LiveRunner } from "../protocols/live-runner/live-runner.ts";
import { selectProtocol } from "../protocols/select-protocol.ts";
import { assertGuarded } from "./access/access-policy.ts";
import type { BrowserRules } from "./access/browser-rules.ts";
import { errorPlugin } from "./error-plugin.ts";
import { HttpError } from "./http-error.ts";
import type { JobOptions } from "./jobs/batch-job.ts";
import { requestCounter } from "./request-counter.ts";
import { withUsableUrl } from "./request-url.ts";
import { type CapabilityRoutesOptions, capabilityRoutes } from "./routes/capability-routes.ts";
import { openapiRoutes, PLUGIN_PATHS } from "./routes/openapi-routes.ts";
import { type OpsOptions, opsRoutes } from "./routes/ops-routes.ts";
import { playgroundRoutes } from "./routes/playground-routes.ts";
import { runnerBatchRoutes } from "./routes/runner-batch-routes.ts";
import { runnerRoutes } from "./routes/runner-routes.ts";
import { type StreamServices, streamRoutes } from "./routes/stream-routes.ts";
import { type TrickleHandler, trickleRoutes } from "./routes/trickle-routes.ts";
import { workerRoutes } from "./routes/worker-routes.ts";
import { isRunnerPath, noRunnerRoute } from "./runner-error.ts";

export interface AppDeps
  extends StreamServices,
    OpsOptions,
    Omit<CapabilityRoutesOptions, "streams" | "images"> {
  readonly browsers: BrowserRules;
  /** Null: no embedded trickle server. */
  readonly trickle: TrickleHandler | null;
  /** Null: this server is not a live runner. */
  readonly runner: LiveRunner | null;
}

/** Of requests: JSON routes, the headers of a job and of its payment, streams by their ids, and trickle. */
const ALLOWED_HEADERS = [
  "Content-Type",
  "Authorization",
  "Livepeer",
  "Livepeer-Payment",
  "Livepeer-Segment",
  "X-Stream-Id",
  "Expect-Content",
  "Lp-Trickle-Reset",
];
/** Of answers. */
const EXPOSED_HEADERS = ["X-Metadata", "Lp-Trickle-Seq", "Lp-Trickle-Latest", "Lp-Trickle-Closed"];

/** The whole API; call it with `app.handle(request)`. Throws if a route was declared without an audience. */
export function createApp(deps: AppDeps): AnyElysia {
  const { access, browsers, trickle, runner } = deps;
  // No arrow function: see `guard` in access.ts.
  function checkBrowser({ request }: { readonly request: Request }): void {
    browsers.check(request);
  }
  // `standardHostname` would misread URLs whose host is shorter than four characters.
  const app: AnyElysia = new Elysia({ normalize: false, handler: { standardHostname: false } })
    .use(errorPlugin(access, () => app))
    .use(requestCounter(deps.metrics))
    .onRequest(checkBrowser)
    .use(
      cors({
        origin: browsers.namesAll ? "*" : (request) => browsers.namesOrigin(request),
        credentials: false,
        methods: ["GET", "POST", "DELETE", "OPTIONS"],
        allowedHeaders: ALLOWED_HEADERS,
        exposeHeaders: EXPOSED_HEADERS,
        maxAge: 3600,
      }),
    )
    .onRequest(rejectUndecodable)
    .use(playgroundRoutes(access))
    .use(openapiRoutes(access, deps.version))
    .use(apiRoutes(deps))
    .use(workerRoutes(access, deps))
    .wrap((fetch) => (request: Request) => fetch(withUsableUrl(request)));
  if (runner !== null) {
    app.use(runnerBatchRoutes(access, runner, jobsOf(deps)));
    app.use(runnerRoutes(access, runner, deps));
  }
  if (trickle !== null) app.use(trickleRoutes(access, trickle));
  assertGuarded(app, PLUGIN_PATHS);
  return app;
}

/** The routes that clients call, as one type. */
export type Api = ReturnType<typeof apiRoutes>;

const apiRoutes = (deps: AppDeps) =>
  new Elysia({ name: "api" })
    .use(opsRoutes(deps))
    .use(streamRoutes(deps.access, deps))
    .use(capabilityRoutes({ ...deps, ...jobsOf(deps) }));

const jobsOf = (deps: AppDeps): JobOptions => ({
  ...deps,
  streams: streamAccess(deps),
  images: imageAccess(deps.scheduler),
});

/** Starts streams for capabilities. */
const streamAccess = ({ starter, store, protocols }: StreamServices): StreamAccess => ({
  start: async (body, capability, signal) => {
    const protocol = selectProtocol(body, protocols);
    const { stream } = await starter.start(protocol, { body, streamId: null, capability });
    if (signal.aborted) store.end(stream, "caller left");
    return { manifest_id: stream.id, stream_url: stream.channels.stream_url ?? "" };
  },
});

function rejectUndecodable({ request }: { readonly request: Request }): void {
  if (!request.url.includes("%")) return;
  const { pathname } = new URL(request.url);
  try {
    decodeURIComponent(pathname);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    if (isRunnerPath(pathname)) throw noRunnerRoute();
    throw new HttpError(
      400,
      "invalid_request",
      "the path has percent-encoding that cannot be decoded",
    );
  }
}
