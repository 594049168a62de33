import { expect, test } from "bun:test";
import { redactUrl, redactUrls } from "../../src/redact-url.ts";

test.each([
  ["https://orch.example:8935/ai/trickle/id-out", "https://orch.example:8935"],
  ["http://user:secret@host/x?token=y#z", "http://host"],
  ["http://[::1]:5000/trickle/x", "http://[::1]:5000"],
  ["not a URL", "(unreadable URL)"],
  ["data:text/plain,secret", "(unreadable URL)"],
])("%s is shown as %s", (url, shown) => {
  expect(redactUrl(url)).toBe(shown);
});

test("every URL in a text is cut to scheme and host", () => {
  const text = 'GET "https://orch:8935/ai/id-out" failed (HTTP://b/c, then https://d/e)';
  expect(redactUrls(text)).toBe('GET "https://orch:8935" failed (http://b, then https://d)');
});

test.each([
  ["the channel (http://a:1/secret): gone", "the channel (http://a:1): gone"],
  ["see https://a/secret; then (https://b/x).", "see https://a; then (https://b)."],
  ["https://a/page_(secret) and http://[::1]:5/x?", "https://a and http://[::1]:5?"],
  ["at http://a/x...", "at http://a..."],
  ["(http://a:)", "(http://a:)"],
])("what follows a URL in a sentence stays: %s", (text, shown) => {
  expect(redactUrls(text)).toBe(shown);
});
