/** Shortens what came from outside, for messages and answers: texts, lists of names, and values as JSON. */
import { redactUrls } from "./redact-url.ts";

const SHOWN_CHARACTERS = 120;
const MAX_LISTED = 40;

/** Cuts a text from outside to at most so many characters, for messages and answers. */
export const cut = (text: string, characters: number): string =>
  text.length > characters ? `${text.slice(0, characters)}…` : text;

/** At most some dozens of names, each cut, for messages. */
export function listed(names: readonly string[]): string {
  const rest = names.length - MAX_LISTED;
  const first = names.slice(0, MAX_LISTED).map((name) => cut(name, 64));
  return first.join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

/**
 * A message without the value that it quotes, for logs: a caller may have put anything there, such as a token into the wrong
 * field. Its own answer quotes it.
 */
export const withoutValue = (message: string): string => message.replace(/, got .*$/s, ", got …");

/**
 * The beginning of a value as JSON, for messages: without the paths of URLs, bigints as numbers, and the word `undefined`
 * for undefined.
 */
export const shown = (value: unknown, characters = SHOWN_CHARACTERS): string =>
  cut(jsonStart(value, characters), characters);

/**
 * The value as JSON, left off soon after `room` characters: a body may hold millions of values, or nest them a
 * hundred thousand deep.
 */
function jsonStart(value: unknown, room: number): string {
  if (typeof value === "string") return JSON.stringify(redactUrls(cut(value, SHOWN_CHARACTERS)));
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  let json = open;
  for (const name in value) {
    if (json.length > room) return json;
    const separator = json === open ? "" : ",";
    const key = Array.isArray(value) ? "" : `${JSON.stringify(cut(name, SHOWN_CHARACTERS))}:`;
    json += `${separator}${key}`;
    json += jsonStart(Reflect.get(value, name), room - json.length);
  }
  return json + close;
}
