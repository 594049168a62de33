/** A request as the routes of the simulated orchestrator get it. */
import type { RouteName } from "./call-log.ts";
import { newSecret, Refused } from "./dialect.ts";
import type { ReservedSession } from "./registry.ts";
import type { StandInOrchestrator } from "./stand-in.ts";

export interface Incoming {
  readonly orchestrator: StandInOrchestrator;
  readonly request: Request;
  readonly body: string;
  readonly clientAddress: string;
  /** Path parameters; empty where the route has none. */
  readonly runner: string;
  readonly session: string;
  readonly proxy: string;
  /** The app's path, still encoded. */
  readonly rest: string;
}

export type Handler = (incoming: Incoming) => Response | Promise<Response>;

export interface Route {
  readonly name: RouteName;
  /** Absent: any. */
  readonly method?: string;
  readonly path: RegExp;
  readonly handle: Handler;
}

/** Body of a request as JSON. */
export function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new Refused(400, "the body is not valid JSON");
  }
}

/** Adds a proxy to a session; returns the members that describe it. */
export function openProxy({ url }: StandInOrchestrator, session: ReservedSession, target: URL) {
  const proxy_id = newSecret();
  session.proxies.set(proxy_id, target);
  return { proxy_id, url: `${url}/run/${proxy_id}` };
}
