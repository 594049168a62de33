/** Judges whether an orchestrator can reach this server under the URL that is registered. */
import { bareHost } from "../hosts/ip-address.ts";
import { isLoopback, isUnspecified } from "../hosts/own-address.ts";

export interface RegisteredUrl {
  /** The setting that it comes from. */
  readonly variable: string;
  /** Undefined where that is not set: then this server's own address is registered. */
  readonly url: string | undefined;
}

/** Says why one of the orchestrators probably cannot reach the URL; null if it looks reachable. */
export function doubtAboutUrl(
  { variable, url }: RegisteredUrl,
  orchestrators: readonly string[],
): string | null {
  const remote = orchestrators.find((one) => !isLoopback(hostOf(one)));
  if (remote === undefined) return null;
  const way = `set it to an address of this server that ${remote} can reach`;
  if (url === undefined) return `${variable} is not set: ${way}`;
  const host = hostOf(url);
  if (isUnspecified(host))
    return `${variable} ${url} is a wildcard address, which nobody can connect to: ${way}`;
  if (isLoopback(host))
    return `${variable} ${url} is reachable only from this machine, but the orchestrator is on another: ${way}`;
  return null;
}

/** Says that this server has no such path; null for a URL without one. */
export function pathDoubt({ variable, url }: RegisteredUrl): string | null {
  const { pathname = "/", host = "" } = url === undefined ? {} : new URL(url);
  if (pathname === "/") return null;
  return `${variable} has the path ${pathname}, but this server answers only at /: have the proxy at ${host} strip the path, or remove it from the URL`;
}

const hostOf = (url: string): string => bareHost(new URL(url).hostname);
