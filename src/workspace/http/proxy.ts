/** Chooses the proxy of a request by the variables that curl and others use: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY. */
import { BlockList, isIP } from "node:net";
import { bareHost } from "../../server/hosts/ip-address.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The URL of the proxy for a request; null for a direct connection. The lower-case form of a variable wins. */
export function proxyFor({ protocol, hostname, port }: URL, env: Environment): string | null {
  const value = (name: string): string => env[name.toLowerCase()] || env[name] || "";
  const proxy = value(protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY") || value("ALL_PROXY");
  if (proxy === "") return null;
  const exceptions = value("NO_PROXY").split(/[\s,]+/);
  const effectivePort = port || (protocol === "https:" ? "443" : "80");
  if (exceptions.some((one) => isExcepted(one, bareHost(hostname), effectivePort))) return null;
  return /^[a-z\d+.-]+:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
}

/** An exception is `*`, an address, a range of addresses, or a domain with its subdomains; each may have a port. */
function isExcepted(exception: string, host: string, port: string): boolean {
  if (exception === "" || exception === "*") return exception === "*";
  const [, name = "", withPort] = /^(.*?)(?::(\d+))?$/.exec(exception) ?? [];
  const isAddress = isIP(bareHost(exception)) !== 0;
  const wanted = bareHost(isAddress ? exception : name).toLowerCase();
  if (!isAddress && withPort !== undefined && withPort !== port) return false;
  if (wanted.includes("/")) return isInRange(host, wanted);
  const domain = wanted.replace(/^\*?\./, "");
  return host === domain || host.endsWith(`.${domain}`);
}

function isInRange(host: string, range: string): boolean {
  const [base = "", bits = ""] = range.split("/");
  const [version, rangeVersion] = [isIP(host), isIP(base)];
  if (version === 0 || rangeVersion === 0 || !/^\d{1,3}$/.test(bits)) return false;
  const [family, limit] = rangeVersion === 4 ? (["ipv4", 32] as const) : (["ipv6", 128] as const);
  if (Number(bits) > limit) return false;
  const list = new BlockList();
  list.addSubnet(base, Number(bits), family);
  return list.check(host, version === 4 ? "ipv4" : "ipv6");
}
