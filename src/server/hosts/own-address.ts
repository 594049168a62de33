/** Recognizes this machine and this server in addresses and host names, however they are spelled. */
import { BlockList, isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { bareHost, classifyAddress, unmapped } from "./ip-address.ts";

/** Where this server listens. */
export interface ListenAddress {
  /** `--host`: an address, or a name that resolves to one. */
  readonly host: string;
  readonly port: number;
}

/** True for `localhost` and loopback addresses in any spelling. */
export const isLoopback = (host: string): boolean =>
  isLocalhost(host) || classifyAddress(host) === "loopback";

/** True if the host name or address belongs to this machine: loopback, an interface's address, or the machine's name. */
export const isThisMachine = (host: string): boolean =>
  isLoopback(host) || isMachineName(host) || isInterfaceAddress(host);

/** The machine's own name, which its resolver need not know. */
export const isMachineName = (name: string): boolean => sameName(name, hostname());

/** True if a connection to that address reaches this server. */
export function isOwnAddress(address: string, port: number, own: ListenAddress): boolean {
  if (port !== own.port) return false;
  const local = isLoopback(address) || isUnspecified(address);
  if (isUnspecified(own.host)) return local || isInterfaceAddress(address);
  return isLoopback(own.host) ? local : unmapped(address) === unmapped(own.host);
}

/** The host at which programs of this machine reach a server that listens at `host`: an address, or its name. */
export function connectHost(host: string): string {
  if (bareHost(host) === "::") return "::1";
  return isUnspecified(host) || isLocalhost(host) ? "127.0.0.1" : bareHost(host);
}

/** The origin of the URLs at which programs of this machine reach a server that listens there. */
export function connectOrigin({ host, port }: ListenAddress): string {
  const name = connectHost(host);
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

/** True for wildcard addresses (0.0.0.0, ::). */
export const isUnspecified = (address: string): boolean =>
  ["0.0.0.0", "::"].includes(unmapped(bareHost(address)));

function isInterfaceAddress(address: string): boolean {
  const bare = bareHost(address).replace(/%.*$/, "");
  const version = isIP(bare);
  if (version === 0) return false;
  const list = new BlockList();
  for (const each of Object.values(networkInterfaces()).flat())
    if (each !== undefined) list.addAddress(each.address, each.family === "IPv4" ? "ipv4" : "ipv6");
  return list.check(bare, version === 4 ? "ipv4" : "ipv6");
}

const isLocalhost = (host: string): boolean => sameName(host, "localhost");

/** Names are the same in any case, and with a dot for the root at their end. */
const sameName = (one: string, other: string): boolean =>
  one.toLowerCase().replace(/\.$/, "") === other.toLowerCase();
