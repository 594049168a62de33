/** Remembers the pictures that this page uploaded, by the shortened texts that the server shows for them. */
import type { Stream, Values } from "./api.ts";
import { isShortened } from "./param-values.ts";

/** Each is up to a megabyte. */
const MAX_UPLOADS = 8;
const uploads = new Map<string, string>();

/** Remembers the pictures among `sent`; `stream` is the server's answer. */
export function rememberUploads(sent: Values, { params }: Stream): void {
  for (const [name, value] of Object.entries(sent)) {
    const shown = Reflect.get(params, name);
    if (typeof value !== "string" || isShortened(value) || !isShortened(shown)) continue;
    uploads.delete(shown);
    uploads.set(shown, value);
    const [oldest] = uploads.keys();
    if (uploads.size > MAX_UPLOADS && oldest !== undefined) uploads.delete(oldest);
  }
}

/** The values with whole pictures in place of those shortened texts that are known. */
export const withUploads = (values: Values): Values =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === "string" ? (uploads.get(value) ?? value) : value,
    ]),
  );
