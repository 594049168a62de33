/** Cuts URLs to scheme and host, for logs and error messages: the path of a channel is a credential. */

/**
 * Returns the scheme and host of a URL, with its port where it is not the default one.
 *
 * @example redactUrl("https://orch:8935/ai/trickle/secret-out"); // "https://orch:8935"
 */
export function redactUrl(url: string): string {
  const { protocol = "", host = "" } = URL.parse(url) ?? {};
  return host === "" ? "(unreadable URL)" : `${protocol}//${host}`;
}

/** Cuts every http(s) URL in a text, for messages that other code or another server wrote. */
export const redactUrls = (text: string): string =>
  text.replace(/\bhttps?:\/\/[^\s"'<>]+/gi, redactUrl);
