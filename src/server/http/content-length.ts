/** Reads how long a request declares its body to be. */

/**
 * The declared bytes; null where nothing is declared. HTTP allows the header more than once if all agree, and Bun joins them:
 * `13, 13`.
 */
export function declaredBytes(headers: Headers): number | null {
  const declared = headers.get("content-length");
  return declared === null ? null : Number.parseInt(declared, 10);
}
