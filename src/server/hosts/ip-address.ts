/** Hides IP address arithmetic: which addresses the open Internet routes, after the IANA special-purpose registries. */

/** `loopback` and `private` may be allowed by where the server listens; `special` only by name. */
export type AddressClass = "global" | "loopback" | "private" | "special";

interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

interface Range {
  readonly bits: 32 | 128;
  readonly base: bigint;
  readonly length: number;
  readonly is: AddressClass | "embeds-v4";
  /** For `embeds-v4`: bits to the right of the IPv4 address inside. */
  readonly shift: number;
}

/**
 * The class of an address as text: dotted IPv4 or any spelling of IPv6, with or without brackets and zone.
 * What is no address is `special`, so that nothing connects to it.
 */
export function classifyAddress(text: string): AddressClass {
  const address = parseAddress(text);
  if (address === null) return "special";
  return classify(address, /%/.test(text));
}

function classify(address: Address, zoned: boolean): AddressClass {
  const range = RANGES.find(
    (one) =>
      one.bits === address.bits &&
      address.value >> BigInt(one.bits - one.length) === one.base >> BigInt(one.bits - one.length),
  );
  if (range?.is === "embeds-v4") {
    const value = (address.value >> BigInt(range.shift)) & 0xffff_ffffn;
    return classify({ bits: 32, value }, zoned);
  }
  if (range !== undefined) return range.is;
  // A zone names an interface of this machine: no routable address needs one.
  if (zoned) return "special";
  // Of IPv6 only 2000::/3 is handed out.
  return address.bits === 32 || address.value >> 125n === 1n ? "global" : "special";
}

function parseAddress(text: string): Address | null {
  const bare = text.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  if (!bare.includes(":")) {
    const value = parseV4(bare);
    return value === null ? null : { bits: 32, value };
  }
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(bare);
  const tail = dotted ? parseV4(dotted[2] ?? "") : 0n;
  if (tail === null) return null;
  const groups = dotted
    ? `${dotted[1]}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`
    : bare;
  const [head = "", rest, more] = groups.split("::");
  if (more !== undefined) return null;
  const left = head === "" ? [] : head.split(":");
  const right = rest === undefined || rest === "" ? [] : rest.split(":");
  const missing = 8 - left.length - right.length;
  if (rest === undefined ? missing !== 0 : missing < 1) return null;
  const all = [...left, ...Array.from({ length: missing }, () => "0"), ...right];
  if (!all.every((group) => /^[\da-f]{1,4}$/i.test(group))) return null;
  const value = all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
  return { bits: 128, value };
}

function parseV4(text: string): bigint | null {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256))
    return null;
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function range(cidr: string, is: Range["is"], shift = 0): Range {
  const [base = "", length = ""] = cidr.split("/");
  const address = parseAddress(base);
  if (address === null) throw new Error(`no address: ${cidr}`);
  return { bits: address.bits, base: address.value, length: Number(length), is, shift };
}

/** First match wins, so exceptions stand before the ranges that hold them. */
const RANGES: readonly Range[] = [
  range("0.0.0.0/8", "special"), // this network
  range("10.0.0.0/8", "private"),
  range("100.64.0.0/10", "private"), // shared, behind carrier NAT
  range("127.0.0.0/8", "loopback"),
  range("169.254.0.0/16", "special"), // link-local, where clouds keep their metadata
  range("172.16.0.0/12", "private"),
  range("192.0.0.9/32", "global"), // port control anycast
  range("192.0.0.10/32", "global"), // TURN anycast
  range("192.0.0.0/24", "special"), // protocol assignments
  range("192.0.2.0/24", "special"), // documentation
  range("192.88.99.0/24", "special"), // 6to4 relays, withdrawn
  range("192.168.0.0/16", "private"),
  range("198.18.0.0/15", "special"), // benchmarking
  range("198.51.100.0/24", "special"), // documentation
  range("203.0.113.0/24", "special"), // documentation
  range("224.0.0.0/4", "special"), // multicast
  range("240.0.0.0/4", "special"), // reserved, broadcast
  range("::1/128", "loopback"),
  range("::ffff:0:0/96", "embeds-v4"), // mapped
  range("::/96", "special"), // unspecified and IPv4-compatible
  range("64:ff9b::/96", "embeds-v4"), // NAT64
  range("2001:1::1/128", "global"), // port control anycast
  range("2001:1::2/128", "global"), // TURN anycast
  range("2001:1::3/128", "global"), // service discovery anycast
  range("2001:3::/32", "global"), // AMT
  range("2001:4:112::/48", "global"), // AS112
  range("2001:20::/28", "global"), // ORCHIDv2
  range("2001:30::/28", "global"), // drone remote ID
  range("2001::/23", "special"), // protocol assignments, Teredo among them
  range("2001:db8::/32", "special"), // documentation
  range("2002::/16", "embeds-v4", 80), // 6to4
  range("3fff::/20", "special"), // documentation
  range("5f00::/16", "special"), // segment routing
  range("fc00::/7", "private"), // unique local
  range("fe80::/10", "special"), // link-local
  range("ff00::/8", "special"), // multicast
];
