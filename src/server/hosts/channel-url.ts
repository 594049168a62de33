/** Reads the URLs of channels, and compares them. */
import type { Endpoint } from "../../engine/protocol/work.ts";
import { WorkerError } from "../../errors.ts";
import { classifyAddress } from "./ip-address.ts";

/** Throws `invalid_request` naming `field` for a URL that cannot be a trickle channel's. The message holds no URL. */
export function parseChannelUrl(field: string, url: string): URL {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:\/\//i.test(url))
    throw badUrl(field, "must be an http or https URL");
  if (parsed.username !== "" || parsed.password !== "")
    throw badUrl(field, "must not hold credentials");
  if (parsed.search !== "" || parsed.hash !== "")
    throw badUrl(field, "must not hold a query or a fragment");
  if (decodePath(parsed.pathname) === null)
    throw badUrl(field, "must have a path whose percent-encoding can be decoded");
  return parsed;
}

/** Null for a path with broken percent-encoding. */
export function decodePath(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null; // it throws for nothing else
  }
}

/** Where this server's own channels are. */
export const OWN_CHANNELS = "/trickle/";

/** The name of a channel of this server's own; null for one elsewhere. */
export function ownChannelName({ url, authorization }: Endpoint): string | null {
  // Its own alone want the token of its engines.
  if (authorization === undefined) return null;
  return decodePath(new URL(url).pathname.slice(OWN_CHANNELS.length));
}

/** Whether two checked endpoints are the same channel, in whatever spelling. */
export const isSameChannel = (one: Endpoint, other: Endpoint): boolean => key(one) === key(other);

function key({ url, address = "" }: Endpoint): string {
  const { protocol, hostname, port, pathname } = new URL(url);
  // Many names may share a public address and mean different servers; on a private one they are one server.
  const host = classifyAddress(address) === "global" || address === "" ? hostname : address;
  const path = (decodePath(pathname) ?? pathname).replace(/\/{2,}/g, "/").replace(/\/$/, "");
  return `${protocol}//${host} ${port} ${path}`;
}

const badUrl = (field: string, problem: string): WorkerError =>
  new WorkerError("invalid_request", `${field} ${problem}`, { details: [{ field, problem }] });
