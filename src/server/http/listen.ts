/** Hides the socket: limits and time-outs of the listening server, and what a taken port looks like. */

import http from "node:http";
import type { Server } from "bun";
import { reason } from "../../errors.ts";
import type { createApp } from "./app.ts";

/** Orchestrators keep connections for 60 s and lose the capability to one that closes first (protocol.md 1.7). */
export const IDLE_SECONDS = 120;
/** SDKs put whole payloads into the Livepeer header (protocol.md 3). */
const MAX_HEADER_BYTES = 1024 * 1024;

/** The address cannot be had; the message names the flag. */
export class CannotListen extends Error {
  override readonly name = "CannotListen";
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** How long a connection may be silent. */
  readonly idleSeconds?: number;
}

/** Listens; throws CannotListen. JSON routes limit bodies themselves, the trickle server its segments. */
export function listen(
  app: ReturnType<typeof createApp>,
  { host, port, idleSeconds = IDLE_SECONDS }: ListenOptions,
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
      idleTimeout: idleSeconds,
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    });
  } catch (error) {
    throw cannotListen(host, port, error);
  }
  if (app.server === null) throw new Error("the server did not start");
  return app.server;
}

/** Where a server that listens there is reached from this machine. */
export function localUrl(host: string, port: number): string {
  const name = host === "0.0.0.0" || host === "::" ? "localhost" : host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

function cannotListen(host: string, port: number, cause: unknown): CannotListen {
  const why = ((): string => {
    switch (cause instanceof Error && "code" in cause ? cause.code : null) {
      case "EADDRINUSE":
        return `port ${port} on ${host} is in use; choose another with --port`;
      case "EACCES":
        return `port ${port} is not for this user; choose one above 1023 with --port`;
      case "EADDRNOTAVAIL":
        return `--host ${host} is no address of this machine; 0.0.0.0 listens on all of them`;
      default:
        return `cannot listen at --host ${host} --port ${port}: ${reason(cause)}`;
    }
  })();
  return new CannotListen(why, { cause });
}
