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
