/** Hides the odd URLs of real requests, so that every route and plugin reads one that parses, with single slashes. */

/**
 * The request itself, or one like it with a usable URL. Bun leaves the bare path where the Host is missing (HTTP/1.0
 * probes), empty or malformed; `localhost` stands in. A registered URL that ends in a slash gives `//stream/start`; a
 * redirect would turn its POST into a GET.
 */
export function withUsableUrl(request: Request): Request {
  const { url } = request;
  const path = url.slice(url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("//") + 2));
  if (URL.canParse(url) && !path.includes("//")) return request;
  const usable = new URL(`${URL.parse(url)?.origin ?? "http://localhost"}${path}`);
  usable.pathname = usable.pathname.replace(/\/{2,}/g, "/");
  return new Request(usable.href, request);
}
