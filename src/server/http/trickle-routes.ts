/** Hides how the embedded trickle server hangs under /trickle: raw bodies, no idle timeout, bare statuses. */
import { Elysia } from "elysia";

const PREFIX = "/trickle/";

/** The part of the trickle server that HTTP needs. */
export interface TrickleHandler {
  handle(request: Request, path: string): Promise<Response>;
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
        return trickle.handle(request, new URL(request.url).pathname.slice(PREFIX.length));
      },
      { parse: "none", detail: { hide: true } },
    );
  return app;
};
