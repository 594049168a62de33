/** Finds the route of a request, records the call, and answers it (the table of live-runner.md 5.3). */
import type { Server } from "bun";
import type { Call } from "./call-log.ts";
import { CLIENT_ROUTES } from "./client-routes.ts";
import { Refused } from "./dialect.ts";
import type { Incoming, Route } from "./incoming.ts";
import { RUNNER_ROUTES } from "./runner-routes.ts";
import type { StandInOrchestrator } from "./stand-in.ts";

const ROUTES = [...RUNNER_ROUTES, ...CLIENT_ROUTES];
const TRICKLE = "/ai/trickle/";

/** Never rejects. */
export async function answerRequest(
  orchestrator: StandInOrchestrator,
  request: Request,
  server: Server<unknown>,
): Promise<Response> {
  const { dialect, trickle, options } = orchestrator;
  const { basePath = "" } = options;
  const { pathname } = new URL(request.url);
  const path = pathname.startsWith(basePath) ? pathname.slice(basePath.length) : "";
  if (path.startsWith(TRICKLE))
    return trickle.handle(request, path.slice(TRICKLE.length), () => server.timeout(request, 1));
  const body = await request.text();
  for (const route of ROUTES) {
    const match = route.path.exec(path);
    if (match === null || (route.method ?? request.method) !== request.method) continue;
    const { runner = "", session = "", proxy = "", rest = "" } = match.groups ?? {};
    const clientAddress = server.requestIP(request)?.address ?? "";
    const ids = { runner: decodeURIComponent(runner), session: decodeURIComponent(session) };
    const incoming = { orchestrator, request, body, clientAddress, proxy, rest, ...ids };
    return answerCall(route, incoming);
  }
  return dialect.error(404, "404 page not found");
}

/** Records the call, and answers as the next fault of its route says. */
async function answerCall({ name, handle }: Route, incoming: Incoming): Promise<Response> {
  const { orchestrator, request, body } = incoming;
  const { calls, dialect } = orchestrator;
  const { pathname: path } = new URL(request.url);
  const { method, headers } = request;
  const at = performance.now();
  const call: Call = { route: name, at, method, path, headers, body, status: 0, answer: "" };
  calls.all.push(call);
  const fault = calls.nextFault(name);
  let answer: Response;
  try {
    if (fault?.status === undefined) answer = await handle(incoming);
    else if (fault.text === undefined) answer = dialect.error(fault.status, "simulated failure");
    else answer = new Response(fault.text, { status: fault.status });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    answer = dialect.error(error.status, error.message);
    const isNode = dialect.name === "livepeer-node";
    if (isNode && name === "heartbeat" && error.status === 401)
      answer.headers.set("Connection", "close");
  }
  if (fault?.delayMs !== undefined) await Bun.sleep(fault.delayMs); // the fault itself
  call.status = answer.status;
  if (name !== "app" && name !== "proxied" && name !== "single-shot")
    call.answer = await answer.clone().text();
  return answer;
}
