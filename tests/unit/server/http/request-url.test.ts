import { expect, test } from "bun:test";
import { withUsableUrl } from "../../../../src/server/http/request-url.ts";

/** A request whose URL is what Bun leaves of its target. */
const request = (url: string) =>
  Object.defineProperty(new Request("http://localhost/"), "url", {
    value: url,
    configurable: true,
  });

test.each(["*%", "%", "*", "", "?"])(
  "a target without a path gets a URL that parses: %j",
  (target) => {
    const { url } = withUsableUrl(request(target));
    expect(URL.canParse(url)).toBe(true);
  },
);

test("doubled slashes become one, and a missing host is localhost", () => {
  expect(withUsableUrl(request("//stream//start?a=//")).url).toBe(
    "http://localhost/stream/start?a=//",
  );
});

test("what comes after a request to the same host is looked at all the same", () => {
  const first = request("http://worker:8000/health");
  expect(withUsableUrl(first)).toBe(first);
  const good = request("http://worker:8000/stream/a%20b/status?a=b");
  expect(withUsableUrl(good).url).toBe("http://worker:8000/stream/a%20b/status?a=b");
  expect(withUsableUrl(request("http://worker:8000//stream//start")).url).toBe(
    "http://worker:8000/stream/start",
  );
  for (const url of ["http://worker:8000@%/", "http://worker:80001/", "http://worker:8000"]) {
    expect(URL.canParse(withUsableUrl(request(url)).url)).toBe(true);
  }
});
