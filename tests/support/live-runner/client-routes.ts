/** What clients call: discovery, reservations, and the app behind its proxies. */
import { forward } from "./app-proxy.ts";
import { Refused } from "./dialect.ts";
import { discovery } from "./discovery.ts";
import { type Handler, type Incoming, openProxy, type Route } from "./incoming.ts";
import type { ReservedSession } from "./registry.ts";

const APPS = "^/apps/(?<runner>[^/]+)";
const SESSION = "/session/(?<session>[^/]+)";
const APP = "/app(?:/(?<rest>.*))?";

export const CLIENT_ROUTES: readonly Route[] = [
  {
    name: "discovery",
    method: "GET",
    path: /^\/discovery$/,
    handle: ({ orchestrator }) => Response.json(discovery(orchestrator)),
  },
  { name: "reserve", method: "POST", path: new RegExp(`${APPS}/session$`), handle: reserve },
  {
    name: "client-stop",
    method: "POST",
    path: new RegExp(`${APPS}${SESSION}/stop$`),
    handle: stop,
  },
  { name: "app", path: new RegExp(`${APPS}${SESSION}${APP}$`), handle: redirected(app) },
  { name: "single-shot", path: new RegExp(`${APPS}${APP}$`), handle: redirected(singleShot) },
  {
    name: "proxied",
    path: /^\/(?:run|proxy)\/(?<proxy>[^/]+)(?:\/(?<rest>.*))?$/,
    handle: proxied,
  },
  {
    name: "payment",
    method: "POST",
    path: new RegExp(`${APPS}${SESSION}/payment$`),
    handle: () => {
      throw new Refused(404, "nothing is to be paid");
    },
  },
];

async function reserve({ orchestrator, runner }: Incoming): Promise<Response> {
  const { registry, url } = orchestrator;
  const session = registry.reserve(runner);
  const control_url = `${url}/apps/${runner}/session/${session.id}`;
  const { offer } = session.runner;
  const app_url = offer.proxy
    ? openProxy(orchestrator, session, new URL(offer.runner_url)).url
    : `${control_url}/app`;
  return Response.json({ session_id: session.id, app_url, control_url });
}

async function stop({ orchestrator, runner, session: id }: Incoming): Promise<Response> {
  const { registry, dialect } = orchestrator;
  const session = registry.known(runner).sessions.get(id);
  if (session === undefined && !dialect.stopsUnknownSessions)
    throw new Refused(404, "session not found");
  if (session !== undefined) await registry.release(session);
  return dialect.done();
}

/** go-livepeer's router redirects a bare `/app`, after which clients ask with GET. */
function redirected(handle: Handler): Handler {
  return (incoming) => {
    const { orchestrator, request } = incoming;
    const { pathname } = new URL(request.url);
    if (orchestrator.dialect.name === "livepeer-node" || !pathname.endsWith("/app"))
      return handle(incoming);
    return new Response(null, { status: 301, headers: { Location: `${pathname}/` } });
  };
}

function app(incoming: Incoming): Promise<Response> {
  const { orchestrator, runner, session: id } = incoming;
  const session = orchestrator.registry.usable(runner).sessions.get(id);
  if (session === undefined) throw new Refused(404, "session not found");
  return relay(incoming, session, new URL(session.runner.offer.runner_url));
}

async function singleShot(incoming: Incoming): Promise<Response> {
  const { registry } = incoming.orchestrator;
  const runner = registry.usable(incoming.runner);
  if (runner.offer.mode !== "single-shot") throw new Refused(400, "runner is not single-shot");
  const session = registry.reserveFor(runner);
  try {
    const answer = await relay(incoming, session, new URL(runner.offer.runner_url));
    // Read before the release cuts it.
    return new Response(await answer.arrayBuffer(), answer);
  } finally {
    await registry.release(session);
  }
}

function proxied(incoming: Incoming): Promise<Response> {
  const { orchestrator, proxy } = incoming;
  for (const runner of orchestrator.registry.runners.values())
    for (const session of runner.sessions.values()) {
      const target = session.proxies.get(proxy);
      if (target === undefined) continue;
      orchestrator.registry.usable(runner.id);
      return relay(incoming, session, target);
    }
  throw new Refused(404, "proxy not found");
}

function relay(incoming: Incoming, session: ReservedSession, target: URL): Promise<Response> {
  const { orchestrator, request, body, rest: appPath, clientAddress } = incoming;
  const { dialect, runnerBase, options } = orchestrator;
  if (dialect.name === "livepeer-node" && options.runnerGrants === false)
    throw new Refused(502, "runner destination unavailable");
  const call = { request, body, target, appPath, session, runnerBase, clientAddress };
  return forward(call, dialect);
}
