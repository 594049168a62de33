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
  text.replace(/\bhttps?:\/\/[^\s"'<>]+/gi, (found) => {
    const url = withoutSentence(found);
    return redactUrl(url) + found.slice(url.length);
  });

/** A URL in a sentence is followed by its punctuation, and by the parenthesis that it stands in. */
function withoutSentence(text: string): string {
  const bare = text.replace(/[.,:;!?]+$/, "");
  const closed = (bare.match(/\)/g) ?? []).length > (bare.match(/\(/g) ?? []).length;
  return closed && bare.endsWith(")") ? withoutSentence(bare.slice(0, -1)) : bare;
}
