/** Gives requests with an unusual target a URL that routes and plugins can read. */

/** Of the last URL that parsed: nearly all requests have the same, and no path makes a URL with it one that does not parse. */
let lastOrigin: string | null = null;

const isKnownGood = (url: string): boolean =>
  lastOrigin !== null &&
  url.startsWith(lastOrigin) &&
  url[lastOrigin.length] === "/" &&
  !url.includes("//", lastOrigin.length);

/**
 * Returns the request itself, with a URL that parses and has no doubled slashes. Bun leaves the bare path where the Host
 * is missing (HTTP/1.0), empty or malformed: `localhost` stands in. A registered URL that ends in a slash leads to
 * `//stream/start`, and a redirect would turn its POST into a GET.
 */
export function withUsableUrl(request: Request): Request {
  const { url } = request;
  if (isKnownGood(url)) return request;
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("//") + 2);
  // CONNECT and OPTIONS may have a target without any path.
  const path = start < 0 ? `/${url}` : url.slice(start);
  if (URL.canParse(url) && !path.includes("//")) {
    if (start > 0) lastOrigin = url.slice(0, start);
    return request;
  }
  const usable = new URL(`${URL.parse(url)?.origin ?? "http://localhost"}${path}`);
  usable.pathname = usable.pathname.replace(/\/{2,}/g, "/");
  // A new Request would be another one to Bun: without a peer, without its time limit, and sometimes without its body.
  return Object.defineProperty(request, "url", { value: usable.href });
}
