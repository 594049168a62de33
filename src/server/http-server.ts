/** Hides the socket: limits and time-outs of the listening server, and what a taken port looks like. */

import http from "node:http";
import type { Server } from "bun";
import type { createApp } from "./http/app.ts";

/** Orchestrators keep connections for 60 s and lose the capability to one that closes first (protocol.md 1.7). */
const IDLE_SECONDS = 120;
/** SDKs put whole payloads into the Livepeer header (protocol.md 3). */
const MAX_HEADER_BYTES = 1024 * 1024;

export class PortInUse extends Error {
  override readonly name = "PortInUse";
}

/** Listens; throws PortInUse. JSON routes limit bodies themselves, the trickle server its segments. */
export function listen(
  app: ReturnType<typeof createApp>,
  { host, port }: { host: string; port: number },
): Server<unknown> {
  // The one switch for it that Bun.serve obeys; typed as a constant.
  Reflect.set(http, "maxHeaderSize", MAX_HEADER_BYTES);
  try {
    app.listen({
      hostname: host,
      port,
      // Bun's own error page would show strangers our code.
      development: false,
      reusePort: false,
      idleTimeout: IDLE_SECONDS,
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE")
      throw new PortInUse(`port ${port} on ${host} is in use; choose another with --port`);
    throw error;
  }
  if (app.server === null) throw new Error("the server did not start");
  return app.server;
}
