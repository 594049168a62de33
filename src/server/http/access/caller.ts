/** Describes who sent a request, as far as the connection and the headers show it. */
import { createHash } from "node:crypto";
import type { Server } from "bun";
import { isLoopback, isThisMachine } from "../../hosts/own-address.ts";
import { hostNameOf } from "./request-host.ts";

/** A request and the server that it came through; null for a request that this process made by itself. */
export interface Incoming {
  readonly request: Request;
  readonly server: Server<unknown> | null;
}

/** Headers that proxies add to identify the original client. */
const FORWARDING =
  /^(forwarded(-for)?|x-forwarded(-.+)?|x-original-forwarded-.+|via|x-real-ip|(x-|true-|x-cluster-)?client-ip|x-envoy-.+|cf-.+|fastly-.+|fly-.+|x-appengine-.+|x-azure-.+|x-amz-cf-.+|tailscale-.+)$/;

/** The SHA-256 of the bearer token; null where none was sent. */
export function bearerDigestOf({ headers }: Request): Buffer | null {
  const [, token] = /^Bearer\s+(\S+)\s*$/i.exec(headers.get("authorization") ?? "") ?? [];
  return token === undefined ? null : digest(token);
}

/** Digests are compared in place of tokens: they are of one length, so comparing them reveals nothing about a token. */
export const digest = (token: string): Buffer => createHash("sha256").update(token).digest();

/** The IP address of the peer; null for a request of this process. */
export const peerAddress = ({ request, server }: Incoming): string | null =>
  server === null ? null : (server.requestIP(request)?.address ?? "unknown");

/** True if a program of this machine sent the request for itself. */
export function isFromThisMachine({ request, server }: Incoming): boolean {
  const peer = peerAddress({ request, server });
  if (peer === null) return true;
  if (!isLoopback(peer)) return false;
  for (const name of request.headers.keys()) if (FORWARDING.test(name)) return false;
  // A browser of this machine may have been led here by a name that somebody made resolve to loopback.
  const host = hostNameOf(request);
  return host === null || isThisMachine(host);
}
