/** Reads the token that the server puts into the page for browsers on its own machine. */

/** The token of this page; empty if the server gave it none. */
export const ownPageToken = (): string => tokenIn(document);

/** Asks the server for a page again; resolves with its token, empty if it has none or the server does not answer. */
export async function freshPageToken(): Promise<string> {
  const response = await fetch("/", { cache: "no-store" }).catch(() => null);
  if (response === null) return "";
  return tokenIn(new DOMParser().parseFromString(await response.text(), "text/html"));
}

const tokenIn = ({ body }: Document): string => body.dataset["token"] ?? "";
