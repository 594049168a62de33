/** Reads the id of the stream that a request names: in X-Stream-Id, or in a member of its body. */

import { Type } from "@sinclair/typebox";

/** For OpenAPI: handlers read the header by `streamIdOf`. */
export const StreamIdHeader = Type.Object(
  { "x-stream-id": Type.Optional(Type.String({ description: "id of the stream" })) },
  { additionalProperties: true },
);

/** Members of a body that name a stream, the first one that is set wins. */
const ID_MEMBERS = ["gateway_request_id", "stream_id", "manifest_id", "request_id"];
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * The stream id in the header; null without the header. Orchestrators send the bytes of UTF-8, which HTTP reads as
 * Latin-1.
 */
export function streamIdOf({ headers }: Request): string | null {
  const header = headers.get("x-stream-id");
  if (header === null) return null;
  try {
    return utf8.decode(Buffer.from(header, "latin1"));
  } catch {
    return header; // not UTF-8, so Latin-1
  }
}

/** The stream id in a body; null where it has none. */
export function streamIdIn(body: unknown): string | null {
  if (typeof body !== "object" || body === null) return null;
  const id: unknown = ID_MEMBERS.map((name) => Reflect.get(body, name)).find(Boolean);
  return typeof id === "string" ? id : null;
}

/** The body without the members that name a stream. */
export function withoutStreamId(body: unknown): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([name]) => !ID_MEMBERS.includes(name)));
}
