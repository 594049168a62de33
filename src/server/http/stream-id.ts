/** Hides how X-Stream-Id is written: orchestrators send the bytes of UTF-8, HTTP reads them as Latin-1. */

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The id that the header names; null without the header. */
export function streamIdOf({ headers }: Request): string | null {
  const header = headers.get("x-stream-id");
  if (header === null) return null;
  try {
    return utf8.decode(Buffer.from(header, "latin1"));
  } catch {
    return header; // Latin-1 after all
  }
}
