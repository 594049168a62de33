/** Parses a segment of the control channel: keep-alives and updates, as one JSON value or one a line (protocol.md 5.2). */
import { reason } from "../../../errors.ts";
import { parseJson } from "../../exact-json.ts";

export type ControlMessage =
  | { readonly kind: "keepalive" }
  | { readonly kind: "update"; readonly body: object }
  | { readonly kind: "bad_json"; readonly why: string }
  /** JSON that is not an object. */
  | { readonly kind: "no_object"; readonly value: unknown };

/** Each is applied before the server does anything else. Gateways and clients send one a segment. */
const MAX_MESSAGES = 256;

/** The messages of one segment, in order. */
export function controlMessages(text: string): readonly ControlMessage[] {
  if (text.trim() === "") return [];
  try {
    return [messageOf(parseJson(text))];
  } catch (error) {
    const split = text.split("\n", MAX_MESSAGES + 1);
    if (split.length > MAX_MESSAGES)
      return [{ kind: "bad_json", why: `it has more than ${MAX_MESSAGES} lines` }];
    const lines = split.filter((line) => line.trim() !== "");
    // A single object may span lines: only text that is not JSON as a whole is parsed line by line.
    if (lines.length < 2) return [{ kind: "bad_json", why: reason(error) }];
    return lines.map(lineMessage);
  }
}

function lineMessage(line: string): ControlMessage {
  try {
    return messageOf(parseJson(line));
  } catch (error) {
    return { kind: "bad_json", why: reason(error) };
  }
}

function messageOf(value: unknown): ControlMessage {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { kind: "no_object", value };
  const isKeepAlive = Reflect.get(value, "keep") === "alive" && Object.keys(value).length === 1;
  return isKeepAlive ? { kind: "keepalive" } : { kind: "update", body: value };
}
