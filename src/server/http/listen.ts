/** Opens the listening socket with its limits and timeouts, and explains why one cannot be opened. */
import http from "node:http";
import type { Server } from "bun";
import type { AnyElysia } from "elysia";
import { reason } from "../../errors.ts";
import { connectOrigin, isUnspecified } from "../hosts/own-address.ts";
import { IDLE_SECONDS } from "./connection-limits.ts";

/** SDKs put whole payloads into the Livepeer header (protocol.md 3). */
const MAX_HEADER_BYTES = 1024 * 1024;

/** The server cannot listen at the address; the message names the flag. */
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
  app: AnyElysia,
  { host, port, idleSeconds = IDLE_SECONDS }: ListenOptions,
): Server<unknown> {
  // Bun.serve takes the limit from here alone; the typings declare it constant.
  Reflect.set(http, "maxHeaderSize", MAX_HEADER_BYTES);
  try {
    app.listen({
      hostname: host,
      port,
      // Bun's own error page shows source code.
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

/** The URL of a server that listens there, for people and programs of this machine. */
export const localUrl = (host: string, port: number): string =>
  isUnspecified(host) || host === "localhost"
    ? `http://localhost:${port}`
    : connectOrigin({ host, port });

function cannotListen(host: string, port: number, cause: unknown): CannotListen {
  const why = ((): string => {
    switch (cause instanceof Error && "code" in cause ? cause.code : null) {
      case "EADDRINUSE":
        return `port ${port} on ${host} is in use; choose another with --port`;
      case "EACCES":
        return `this user may not listen on port ${port}; choose one above 1023 with --port`;
      case "EADDRNOTAVAIL":
        return `--host ${host} is not an address of this machine; 0.0.0.0 listens on all of them`;
      default:
        return `cannot listen at --host ${host} --port ${port}: ${reason(cause)}`;
    }
  })();
  return new CannotListen(why, { cause });
}
