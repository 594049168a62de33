/** Schemas for the text forms of settings: durations, sizes, lists, hosts and words, each with its decoding. */
import { FormatRegistry, type StringOptions, Type } from "@sinclair/typebox";
import { literals } from "./schema.ts";

const MILLISECONDS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const BYTES = { "": 1, k: 1, m: 2, g: 3, t: 4 } as const;

/** The longest delay a timer can have; a longer one fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** `250ms`, `25s`, `1.5m`, `1h`, `2d` or bare seconds, up to what a timer can wait; decoded to milliseconds. */
export const duration = (options: StringOptions) =>
  Type.Transform(
    Type.String({
      format: "time-span",
      expects: "a duration such as 500ms, 25s, 10m or 1h, at most 24d",
      ...options,
    }),
  )
    .Decode(milliseconds)
    .Encode((ms) => `${ms}ms`);

/** As `duration`, but longer than zero. */
export const positiveDuration = (options: StringOptions) =>
  duration({
    format: "positive-time-span",
    expects: "a duration longer than zero such as 500ms, 25s, 10m or 1h, at most 24d",
    ...options,
  });

function milliseconds(text: string): number {
  const [, amount = "", unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  return Math.round(Number.parseFloat(amount) * MILLISECONDS[unit as keyof typeof MILLISECONDS]);
}

/** `512MiB`, `8GiB`, `8GB` or bare bytes from 1 MiB; decoded to bytes. */
export const byteSize = (options: StringOptions) =>
  Type.Transform(
    Type.String({
      pattern: "^\\d+(\\.\\d+)?\\s*([KkMmGgTt]i?)?[Bb]?$",
      format: "byte-size",
      expects:
        "a size above 0 with its unit such as 512MiB or 20GiB; without a unit it is in bytes, at least 1048576",
      ...options,
    }),
  )
    .Decode(bytesIn)
    .Encode(String);

function bytesIn(text: string): number {
  const [, unit = "", binary] = /([kmgt]?)(i?)b?$/.exec(text.toLowerCase()) ?? [];
  const base = binary === "i" ? 1024 : 1000;
  const power = unit === "" ? 0 : BYTES[unit as keyof typeof BYTES];
  return Math.round(Number.parseFloat(text) * base ** power);
}

/** Comma-separated items that each match `item`; blanks around them are dropped. */
export const commaList = (item: string, options: StringOptions) =>
  Type.Transform(Type.String({ pattern: `^\\s*${item}(\\s*,\\s*${item})*\\s*$`, ...options }))
    .Decode(split)
    .Encode(String);

/** Comma-separated http(s) URLs without credentials, query or fragment; decoded without trailing slashes. */
export const httpUrls = (options: StringOptions) =>
  Type.Transform(
    Type.String({
      format: "http-urls",
      expects: "a comma list of http or https URLs without credentials, query and fragment",
      ...options,
    }),
  )
    .Decode((text) => split(text).map((url) => String(URL.parse(url)).replace(/\/+$/, "")))
    .Encode(String);

/** One http(s) URL without credentials, query or fragment; decoded without trailing slashes. */
export const httpUrl = (options: StringOptions) =>
  Type.Transform(
    Type.String({
      format: "http-url",
      expects: "one http or https URL without credentials, query and fragment",
      ...options,
    }),
  )
    .Decode((text) => String(URL.parse(text)).replace(/\/+$/, ""))
    .Encode(String);

/** As `httpUrl`, but a user name and password may be in it; kept out of messages and of the engines' environment. */
export const privateHttpUrl = (options: StringOptions) =>
  Type.Transform(
    Type.String({
      format: "private-http-url",
      expects: "one http or https URL without query and fragment",
      secret: true,
      ...options,
    }),
  )
    .Decode((text) => String(URL.parse(text)).replace(/\/+$/, ""))
    .Encode(String);

/** Comma-separated names or addresses, each with or without a port, or `*`; may be empty. Spelled as a URL would. */
export const hostList = (options: StringOptions) =>
  Type.Transform(
    Type.String({
      format: "hosts",
      expects: "* or a comma list of hosts such as gpu1, 10.0.0.7 or [::1]:8935",
      ...options,
    }),
  )
    .Decode((text) => split(text).flatMap((host) => normalHost(host) ?? []))
    .Encode(String);

/** An address or host name to listen on. */
export const address = (options: StringOptions) =>
  Type.String({ pattern: "^[\\w.:%-]+$", expects: "an address such as 127.0.0.1", ...options });

/** `on` or `off`, also as true or false, 1 or 0, yes or no; decoded to a boolean. */
export const onOff = (options: StringOptions) =>
  Type.Transform(
    Type.String({ pattern: "^(on|off|true|false|1|0|yes|no)$", expects: "on or off", ...options }),
  )
    .Decode((text) => /^(on|true|1|yes)$/i.test(text))
    .Encode((on) => (on ? "on" : "off"));

/** One of these words; `--help` lists them. */
export function choice<const T extends readonly string[]>(
  names: T,
  fallback: T[number],
  description: string,
) {
  return literals(names, { default: fallback, description, choices: names.join(", ") });
}

/** An integer within bounds; without a fallback it may be absent. */
export function count(
  minimum: number,
  maximum: number,
  fallback: number | undefined,
  description: string,
  extra: Record<string, unknown> = {},
) {
  const expects = `an integer from ${minimum} to ${maximum}`;
  const optional = fallback === undefined ? {} : { default: fallback };
  return Type.Integer({ minimum, maximum, expects, description, ...optional, ...extra });
}

/** A number within bounds; fractions are allowed. */
export const decimal = (minimum: number, maximum: number, options: Record<string, unknown>) =>
  Type.Number({
    minimum,
    maximum,
    expects: `a number from ${minimum} to ${maximum}`,
    ...options,
  });

/** A text that is kept out of messages and of the engines' environment. */
export function secret(description: string, extra: Record<string, unknown> = {}) {
  const pattern = "^[\\x21-\\x7e]+$";
  const expects = "printable ASCII without spaces and line ends";
  return Type.String({ pattern, expects, description, secret: true, ...extra });
}

/** Spells a host as URLs do, e.g. `0x7f.1` → `127.0.0.1`; null for text that is not a host. */
function normalHost(text: string): string | null {
  if (text === "*") return text;
  const host = /^[\da-f:]*:[\da-f.:]*:[\da-f.:]*$/i.test(text) ? `[${text}]` : text;
  const url = /^[^/?#@\s]+$/.test(host) ? URL.parse(`http://${host}`) : null;
  const port = /[^:]:(\d+)$/.exec(host)?.[1];
  return url && (port === undefined ? url.hostname : `${url.hostname}:${port}`);
}

const split = (text: string) =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

FormatRegistry.Set("time-span", (text) => milliseconds(text) <= MAX_TIMER_MS);
FormatRegistry.Set("positive-time-span", (text) => {
  const ms = milliseconds(text);
  return ms > 0 && ms <= MAX_TIMER_MS;
});
// A replacement character stands for bytes that are not UTF-8.
FormatRegistry.Set(
  "public-metadata",
  (text) => Buffer.byteLength(text) <= 1024 && !text.includes("\uFFFD"),
);
// A small number without a unit was meant in another one: `20` are not 20 bytes.
FormatRegistry.Set("byte-size", (text) => {
  const least = /[kmgt]i?b?$/i.test(text) ? 1 : 2 ** 20;
  return bytesIn(text) >= least && Number.isSafeInteger(bytesIn(text));
});
FormatRegistry.Set("hosts", (text) => split(text).every((host) => normalHost(host) !== null));
const isBase = (url: URL | null): url is URL =>
  url !== null &&
  /^https?:$/.test(url.protocol) &&
  [url.username, url.password, url.search, url.hash].every((part) => part === "");

FormatRegistry.Set("http-urls", (text) => split(text).every((one) => isBase(URL.parse(one))));
FormatRegistry.Set("private-http-url", (text) => {
  const url = URL.parse(text);
  if (url === null) return false;
  url.username = url.password = "";
  return isBase(url) && !url.host.includes(",");
});
FormatRegistry.Set("http-url", (text) => {
  const url = URL.parse(text);
  // Two URLs joined by a comma parse as one whose host has the comma in it.
  return isBase(url) && !url.host.includes(",");
});
