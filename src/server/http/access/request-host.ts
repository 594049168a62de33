/** Reads the host that a request was sent to, from its `Host` header. */
import { bareHost } from "../../hosts/ip-address.ts";

/**
 * The host's name or address as URLs spell it, without the port and without brackets around IPv6. Null where the header
 * is missing, empty or malformed: no browser sends such a request.
 */
export function hostNameOf({ headers }: Request): string | null {
  const { hostname = "" } = URL.parse(`http://${headers.get("host") ?? ""}`) ?? {};
  return hostname === "" ? null : bareHost(hostname).replace(/\.$/, "");
}

/** Whether the web page at `origin` was loaded from the host and port that this request was sent to. */
export function isOwnOrigin(origin: string, { headers }: Request): boolean {
  const page = URL.parse(origin);
  // The scheme is not compared: a proxy in front may end TLS.
  const here = URL.parse(`${page?.protocol}//${headers.get("host")}`);
  return page !== null && page.host !== "" && page.host === here?.host;
}
