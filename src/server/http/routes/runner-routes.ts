/** Routes below `/runner/{key}`: what clients of a session call through their orchestrator (live-runner.md 4.2). */
import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { SessionObject } from "../../protocols/live-runner/app/session-object.ts";
import { StatsAnswer } from "../../protocols/live-runner/app/stats-answer.ts";
import { StatusAnswer } from "../../protocols/live-runner/app/status-answer.ts";
import { SessionUsage } from "../../protocols/live-runner/app/usage-record.ts";
import type { LiveRunner } from "../../protocols/live-runner/live-runner.ts";
import type { RunnerSession } from "../../protocols/live-runner/sessions/session.ts";
import { SessionHeaderFields } from "../../protocols/live-runner/sessions/session-headers.ts";
import type { SessionTable } from "../../protocols/live-runner/sessions/session-table.ts";
import type { AccessPolicy } from "../access/access-policy.ts";
import { HttpError } from "../http-error.ts";
import { readJson } from "../json-body.ts";
import { noRunnerRoute, runnerFailures } from "../runner-error.ts";
import { jsonContent, operation } from "../schemas/openapi.ts";
import { HealthAnswer, HealthQuery } from "../schemas/server-answers.ts";
import { type HealthOptions, healthAnswer } from "./ops-routes.ts";
import { failureOf, sessionRoutes } from "./runner-session-routes.ts";

interface Call {
  readonly request: Request;
  readonly params: { readonly key: string };
}

export const runnerRoutes = (
  access: AccessPolicy,
  { runners, view }: LiveRunner,
  health: HealthOptions,
) => {
  const find = ({ key }: Call["params"], { headers }: Request) =>
    runners.byKey(key, headers.get("livepeer-runner-route"));
  const guard = access.keyed((params: Call["params"], request) => find(params, request) !== null);
  const sessionsOf = ({ request, params }: Call): SessionTable => {
    const registration = find(params, request);
    if (registration === null) throw noRunnerRoute();
    return registration.sessions;
  };
  const app = new Elysia({ name: "runner-routes", prefix: "/runner/:key" });
  /** The methods of each path. */
  const methods = new Map<string, string>();

  for (const route of sessionRoutes(view)) {
    const [listed] = route.paths;
    for (const path of route.paths) {
      methods.set(path, "POST");
      app.post(
        path,
        async ({ request, params }) => {
          const session = sessionsOf({ request, params }).sessionOf(request);
          const body = await readJson(request, { empty: {} });
          try {
            return await route.run(session, body);
          } catch (error) {
            throw failureOf(error, { session, body, view });
          }
        },
        {
          ...guard,
          parse: "none",
          headers: SessionHeaderFields,
          response: { 200: route.answer, ...runnerFailures },
          detail: {
            ...described(route.summary, { hide: path !== listed }),
            requestBody: { required: false, content: jsonContent(route.body) },
          },
        },
      );
    }
  }

  const get = { ...guard, ...asked };
  for (const path of ["/session", "/status", "/stats", "/health", "/healthz"])
    methods.set(path, "GET, HEAD");
  app
    .get(
      "/session",
      ({ request, params }) => {
        const session = sessionsOf({ request, params }).sessionOf(request);
        const isOver = session.outcome !== null && session.running !== null;
        return isOver ? { success: true, ...view.usage(session) } : view.session(session);
      },
      {
        ...guard,
        headers: SessionHeaderFields,
        response: { 200: Type.Union([SessionObject, SessionUsage]), ...runnerFailures },
        detail: described("The session, or what it used once it has ended"),
      },
    )
    .get(
      "/status",
      ({ request, params, query }) => {
        const sessions = sessionsOf({ request, params });
        return view.status(sessions, ownOf(sessions, request), query.model ?? null);
      },
      {
        ...get,
        response: { 200: StatusAnswer, ...runnerFailures },
        detail: described("The model: loaded or not, its parameters; and the room for sessions"),
      },
    )
    .get(
      "/stats",
      ({ request, params, query }) => {
        const sessions = sessionsOf({ request, params });
        return view.stats(sessions, ownOf(sessions, request), query.model ?? null);
      },
      {
        ...get,
        response: { 200: StatsAnswer, ...runnerFailures },
        detail: described("As /status, with the session and the figures of its media"),
      },
    );
  for (const path of ["/health", "/healthz"]) {
    app.get(path, ({ set, query }) => healthAnswer(health, query.check, set), {
      ...guard,
      query: HealthQuery,
      response: { 200: HealthAnswer, 400: runnerFailures[400], 503: HealthAnswer },
      detail: described("As /health of the server", { hide: path !== "/health" }),
    });
  }
  return app.all(
    "/*",
    ({ request, params }) => {
      const path = `/${params["*"]}`;
      const allow = methods.get(path);
      if (allow === undefined) throw noRunnerRoute();
      const message = `${request.method} is not allowed on ${path}; allowed: ${allow}`;
      throw new HttpError(405, "method_not_allowed", message, { allow });
    },
    { ...guard, parse: "none", detail: { hide: true } },
  );
};

const asked = {
  headers: SessionHeaderFields,
  query: Type.Object(
    { model: Type.Optional(Type.String({ description: "ask about this model" })) },
    { additionalProperties: true },
  ),
};

/** OpenAPI details: what opens these routes is the key in the path. */
const described = (summary: string, { hide = false } = {}) => ({
  ...operation("runner", summary),
  security: [],
  hide,
});

/** The caller's own session, if it is known here. Unlike a call that needs one, this takes up no new session. */
const ownOf = (sessions: SessionTable, { headers }: Request): RunnerSession | null => {
  const id = headers.get("livepeer-session-id");
  return sessions.all.find((session) => session.id === id) ?? null;
};
