/** Mounts the embedded trickle server under /trickle: raw bodies, no time limit for a silent request, bare statuses. */
import { Elysia } from "elysia";
import type { TricklePeer } from "../../../trickle/server/peer-quotas.ts";
import { OWN_CHANNELS } from "../../hosts/channel-url.ts";
import { isLoopback } from "../../hosts/own-address.ts";
import type { AccessPolicy } from "../access/access-policy.ts";
import { type Incoming, isFromThisMachine, peerAddress } from "../access/caller.ts";
import { IDLE_SECONDS } from "../connection-limits.ts";

/** The part of the trickle server that HTTP needs. */
export interface TrickleHandler {
  handle(request: Request, path: string, peer: TricklePeer): Promise<Response>;
}

/** `idleSeconds`: how long a connection may be silent once its request is answered. */
export const trickleRoutes = (
  access: AccessPolicy,
  trickle: TrickleHandler,
  idleSeconds = IDLE_SECONDS,
) => {
  const handle = ({ request, server }: Incoming): Promise<Response> => {
    // A preconnected POST may be silent for as long as no frame comes. The connection keeps the limit that it is given.
    server?.timeout(request, 0);
    const answered = () => server?.timeout(request, idleSeconds);
    const path = new URL(request.url).pathname.slice(OWN_CHANNELS.length);
    return trickle.handle(request, path, { ...peerOf(access, { request, server }), answered });
  };
  const raw = { parse: "none", detail: { hide: true } } as const;
  return new Elysia({ name: "trickle-routes" })
    .get(`${OWN_CHANNELS}*`, ({ request, server }) => handle({ request, server }), {
      ...access.open,
      ...raw,
    })
    .post(`${OWN_CHANNELS}*`, ({ request, server }) => handle({ request, server }), {
      ...access.trickleWriter,
      ...raw,
    })
    .delete(`${OWN_CHANNELS}*`, ({ request, server }) => handle({ request, server }), {
      ...access.trickleWriter,
      ...raw,
    });
};

function peerOf(
  access: AccessPolicy,
  { request, server }: Incoming,
): Omit<TricklePeer, "answered"> {
  const disconnect = () => server?.timeout(request, 1);
  const address = peerAddress({ request, server }) ?? "127.0.0.1";
  if (access.isEngine(request)) return { address, kind: "own", disconnect };
  if (isFromThisMachine({ request, server }) || access.bearsToken(request))
    return { address, kind: "trusted", disconnect };
  // X-Forwarded-For is trusted from a proxy on this machine; its last address is the one the proxy saw.
  const forwarded = request.headers.get("x-forwarded-for")?.split(",").at(-1)?.trim();
  const behind = isLoopback(address) && forwarded ? forwarded : address;
  return { address: behind, kind: "remote", disconnect };
}
