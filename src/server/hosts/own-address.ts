/** Recognizes this machine and this server in addresses and host names, however they are spelled. */
import { BlockList, isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { classifyAddress, unmapped } from "./ip-address.ts";

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

/** The address at which this server reaches itself; null where `host` is a name. */
export function connectAddress({ host }: ListenAddress): string | null {
  if (host === "::") return "::1";
  if (isUnspecified(host) || isLocalhost(host)) return "127.0.0.1";
  return isIP(host) === 0 ? null : host;
}

/** True for the addresses that a server listens at to be reached at all of the machine's. */
export const isUnspecified = (address: string): boolean =>
  ["0.0.0.0", "::"].includes(unmapped(address));

function isInterfaceAddress(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
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
