/** Gives requests with an unusual target a URL that routes and plugins can read. */

/**
 * Returns the request itself, with a URL that parses and has no doubled slashes. Bun leaves the bare path where the Host
 * is missing (HTTP/1.0), empty or malformed: `localhost` stands in. A registered URL that ends in a slash leads to
 * `//stream/start`, and a redirect would turn its POST into a GET.
 */
export function withUsableUrl(request: Request): Request {
  const { url } = request;
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("//") + 2);
  // CONNECT and OPTIONS may have a target without any path.
  const path = start < 0 ? `/${url}` : url.slice(start);
  if (URL.canParse(url) && !path.includes("//")) return request;
  const usable = new URL(`${URL.parse(url)?.origin ?? "http://localhost"}${path}`);
  usable.pathname = usable.pathname.replace(/\/{2,}/g, "/");
  // A new Request would be another one to Bun: without a peer, without its time limit, and sometimes without its body.
  return Object.defineProperty(request, "url", { value: usable.href });
}
