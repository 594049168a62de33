/**
 * Classifies IP addresses by who routes them: the open Internet, a private network, this machine, or nobody. Follows the
 * IANA special-purpose address registries.
 */
import { BlockList, isIP } from "node:net";

/** `special`: link-local, multicast, documentation, reserved, or not an address at all. */
export type AddressClass = "global" | "loopback" | "private" | "special";

/** The first class that holds an address decides, so exceptions come before the ranges that they are cut out of. */
const RANGES: readonly (readonly [AddressClass, readonly string[]])[] = [
  [
    "global",
    [
      "192.0.0.9/32", // port control anycast
      "192.0.0.10/32", // TURN anycast
      "2001:1::1/128", // port control anycast
      "2001:1::2/128", // TURN anycast
      "2001:1::3/128", // service discovery anycast
      "2001:3::/32", // AMT
      "2001:4:112::/48", // AS112
      "2001:20::/28", // ORCHIDv2
      "2001:30::/28", // drone remote ID
    ],
  ],
  ["loopback", ["127.0.0.0/8", "::1/128"]],
  [
    "private",
    [
      "10.0.0.0/8",
      "100.64.0.0/10", // shared address space behind carrier NAT
      "172.16.0.0/12",
      "192.168.0.0/16",
      "fc00::/7", // unique local
    ],
  ],
  [
    "special",
    [
      "0.0.0.0/8", // this network
      "169.254.0.0/16", // link-local; clouds serve their metadata there
      "192.0.0.0/24", // protocol assignments
      "192.0.2.0/24", // documentation
      "192.88.99.0/24", // 6to4 relays, withdrawn
      "198.18.0.0/15", // benchmarking
      "198.51.100.0/24", // documentation
      "203.0.113.0/24", // documentation
      "224.0.0.0/4", // multicast
      "240.0.0.0/4", // reserved, broadcast
      "2001::/23", // protocol assignments, Teredo among them
      "2001:db8::/32", // documentation
      "3fff::/20", // documentation
    ],
  ],
  // Of IPv6 only 2000::/3 is allocated; the other two carry IPv4 addresses.
  ["global", ["0.0.0.0/0", "2000::/3", "::ffff:0:0/96", "64:ff9b::/96"]],
];

const CLASSES = RANGES.map(([name, ranges]) => ({ name, list: blockList(ranges) }));

/** A host of a URL without the brackets around IPv6. */
export const bareHost = (host: string): string => host.replace(/^\[|\]$/g, "");

/** Classifies dotted IPv4 or any spelling of IPv6, with or without brackets and zone. */
export function classifyAddress(text: string): AddressClass {
  const [address = "", zone] = bareHost(text).split("%");
  const version = isIP(address);
  if (version === 0) return "special";
  const family = version === 4 ? "ipv4" : "ipv6";
  const found = CLASSES.find(({ list }) => list.check(address, family))?.name ?? "special";
  // A zone names an interface of this machine; a routable address never needs one.
  return zone !== undefined && found === "global" ? "special" : found;
}

/** An IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`) in its own notation; any other as it is. */
export function unmapped(address: string): string {
  const { hostname = "" } = URL.parse(`http://[${address.replace(/%.*$/, "")}]`) ?? {};
  const [, high, low] = /^\[::ffff:([\da-f]+):([\da-f]+)\]$/.exec(hostname) ?? [];
  if (high === undefined || low === undefined) return address;
  const bits = [high, low].map((part) => Number.parseInt(part, 16));
  return bits.flatMap((part) => [part >> 8, part & 255]).join(".");
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [base = "", length = ""] = range.split("/");
    if (isIP(base) === 6) list.addSubnet(base, Number(length), "ipv6");
    else
      for (const [prefix, bits] of spellings(base)) addSpelling(list, prefix, Number(length), bits);
  }
  return list;
}

/** An IPv4 address as itself (which covers mapped ones), behind NAT64, and as 6to4; with the bits that precede it. */
function spellings(base: string): readonly (readonly [string, number])[] {
  const [a = 0, b = 0, c = 0, d = 0] = base.split(".").map(Number);
  const groups = [(a << 8) | b, (c << 8) | d].map((group) => group.toString(16)).join(":");
  return [
    [base, 0],
    [`64:ff9b::${base}`, 96],
    [`2002:${groups}::`, 16],
  ];
}

function addSpelling(list: BlockList, base: string, length: number, bitsBefore: number): void {
  list.addSubnet(base, bitsBefore + length, bitsBefore === 0 ? "ipv4" : "ipv6");
}
