/** Hides what a segment of the control channel may hold (protocol.md 5.2). */
import { reason } from "../../../errors.ts";

export type ControlMessage =
  | { readonly kind: "keepalive" }
  | { readonly kind: "update"; readonly body: object }
  | { readonly kind: "bad_json"; readonly why: string };

/** The messages of one segment, in order. What is JSON and no object says nothing. */
export function controlMessages(text: string): readonly ControlMessage[] {
  if (text.trim() === "") return [];
  try {
    return messageOf(JSON.parse(text));
  } catch (error) {
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    // A single object may be spread over lines: only what is no JSON as a whole is taken line by line.
    if (lines.length < 2) return [{ kind: "bad_json", why: reason(error) }];
    return lines.flatMap(lineMessages);
  }
}

function lineMessages(line: string): readonly ControlMessage[] {
  try {
    return messageOf(JSON.parse(line));
  } catch (error) {
    return [{ kind: "bad_json", why: reason(error) }];
  }
}

function messageOf(value: unknown): readonly ControlMessage[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  const isKeepAlive = Reflect.get(value, "keep") === "alive" && Object.keys(value).length === 1;
  return [isKeepAlive ? { kind: "keepalive" } : { kind: "update", body: value }];
}
