/** What runners call: heartbeats and the callbacks of sessions. */
import { Refused } from "./dialect.ts";
import { type Handler, type Incoming, openProxy, parsed, type Route } from "./incoming.ts";
import type { ReservedSession } from "./registry.ts";

const MAX_PROXIES = 25;
const CALLBACK = "^/runner/(?<runner>[^/]+)/session/(?<session>[^/]+)";

const callback = (name: Route["name"], method: string, path: string, handle: Handler): Route => ({
  name,
  method,
  path: new RegExp(`${CALLBACK}${path}$`),
  handle,
});

export const RUNNER_ROUTES: readonly Route[] = [
  { name: "heartbeat", method: "POST", path: /^\/runners\/heartbeat$/, handle: heartbeat },
  {
    name: "unregister",
    method: "POST",
    path: /^\/runners\/(?<runner>[^/]+)\/unregister$/,
    handle: unregister,
  },
  callback("channels", "POST", "/channels", createChannels),
  callback("delete-channels", "DELETE", "/channels", deleteChannels),
  callback("proxy", "POST", "/proxy", makeProxy),
  callback("stop", "POST", "/stop", stop),
];

function heartbeat({ orchestrator, request, body }: Incoming): Response {
  const answer = orchestrator.registry.heartbeat(body, credential(request));
  return Response.json({ ...answer, session_ids: orchestrator.sessionIds(answer.session_ids) });
}

async function unregister({ orchestrator, runner, request }: Incoming): Promise<Response> {
  await orchestrator.registry.unregister(runner, credential(request));
  return orchestrator.dialect.done();
}

async function createChannels(incoming: Incoming): Promise<Response> {
  const session = caller(incoming);
  const { channels } = incoming.orchestrator;
  return Response.json(await channels.create(session, parsed(incoming.body)));
}

async function deleteChannels(incoming: Incoming): Promise<Response> {
  const session = caller(incoming);
  const { channels } = incoming.orchestrator;
  return Response.json(await channels.delete(session, parsed(incoming.body)));
}

function makeProxy(incoming: Incoming): Response {
  const { orchestrator, body } = incoming;
  const session = caller(incoming);
  const isNode = orchestrator.dialect.name === "livepeer-node";
  const { target_url = "" } = (body === "" && !isNode ? {} : parsed(body)) as {
    target_url?: string;
  };
  const own = new URL(session.runner.offer.runner_url);
  if (target_url !== "" && !URL.canParse(target_url))
    throw new Refused(400, "target_url must be an absolute URL");
  const target = target_url === "" ? own : new URL(target_url);
  if (!isNode && target.hostname !== own.hostname)
    throw new Refused(400, "the host of target_url must be that of runner_url");
  if (isNode && session.proxies.size >= MAX_PROXIES) throw new Refused(400, "too many proxies");
  return Response.json(openProxy(orchestrator, session, target));
}

async function stop(incoming: Incoming): Promise<Response> {
  const { registry, dialect } = incoming.orchestrator;
  await registry.release(caller(incoming, 404));
  return dialect.done();
}

/** The session whose token a callback carries. */
function caller(
  { orchestrator, request, runner, session: id }: Incoming,
  unknownStatus: number = orchestrator.dialect.unknownSessionStatus,
): ReservedSession {
  const { registry, dialect } = orchestrator;
  const owner = dialect.name === "go-livepeer" ? registry.usable(runner) : registry.known(runner);
  const session = owner.sessions.get(id);
  if (session === undefined) throw new Refused(unknownStatus, "session not found");
  if (request.headers.get("Livepeer-Session-Token") !== session.token)
    throw new Refused(dialect.wrongTokenStatus, "invalid session token");
  return session;
}

const credential = (request: Request): string => request.headers.get("Authorization") ?? "";
