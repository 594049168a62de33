/** Reads X-Stream-Id: orchestrators send the bytes of UTF-8, HTTP headers are read as Latin-1. */

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The stream id in the header; null without the header. */
export function streamIdOf({ headers }: Request): string | null {
  const header = headers.get("x-stream-id");
  if (header === null) return null;
  try {
    return utf8.decode(Buffer.from(header, "latin1"));
  } catch {
    return header; // not UTF-8, so Latin-1
  }
}
