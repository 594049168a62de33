/** Mounts the embedded trickle server under /trickle: raw bodies, no idle timeout, bare statuses. */
import type { Server } from "bun";
import { Elysia } from "elysia";
import type { TricklePeer } from "../../trickle/server/peer-quotas.ts";
import { isLoopback } from "../hosts/own-address.ts";

const PREFIX = "/trickle/";

/** The part of the trickle server that HTTP needs. */
export interface TrickleHandler {
  handle(request: Request, path: string, peer: TricklePeer): Promise<Response>;
}

export const trickleRoutes = (trickle: TrickleHandler) => {
  const app = new Elysia({ name: "trickle-routes" });
  for (const method of ["GET", "POST", "DELETE"])
    app.route(
      method,
      `${PREFIX}*`,
      ({ request, server }) => {
        // A preconnected POST may be silent for as long as no frame comes.
        server?.timeout(request, 0);
        const path = new URL(request.url).pathname.slice(PREFIX.length);
        return trickle.handle(request, path, peerOf(request, server));
      },
      { parse: "none", detail: { hide: true } },
    );
  return app;
};

/** A proxy on this machine is believed about whom it speaks for: the last address is the one that it saw itself. */
function peerOf(request: Request, server: Server<unknown> | null): TricklePeer {
  const disconnect = () => server?.timeout(request, 1);
  const address = server?.requestIP(request)?.address ?? "127.0.0.1";
  if (!isLoopback(address)) return { address, kind: "remote", disconnect };
  const forwarded = request.headers.get("x-forwarded-for")?.split(",").at(-1)?.trim();
  return forwarded
    ? { address: forwarded, kind: "remote", disconnect }
    : { address, kind: "local", disconnect };
}
