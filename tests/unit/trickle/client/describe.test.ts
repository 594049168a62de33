/** What peers say, as it is shown in messages and logs. */
import { expect, test } from "bun:test";
import {
  channelHost,
  describeAnswer,
  describeMs,
  quote,
} from "../../../../src/trickle/client/describe.ts";

test("a channel is named by scheme and host", () => {
  expect(channelHost({ url: "https://orch:8935/ai/trickle/secret-out" })).toBe("https://orch:8935");
});

test("a quoted text is short, on one line, and without control characters and paths", () => {
  expect(quote("no\r\n\tsuch \u001b[2Jchannel\u0000\u2028http://host/secret/path")).toBe(
    "no such [2Jchannel http://host",
  );
  expect(quote("x".repeat(100_000))).toHaveLength(200);
  expect(quote(" \r\n")).toBe("");
});

test("a status without a text stands alone", () => {
  expect(describeAnswer(404, "Stream not found\n")).toBe("status 404 Stream not found");
  expect(describeAnswer(503, "")).toBe("status 503");
});

test("times are whole seconds or milliseconds", () => {
  expect([60_000, 1500, 300].map(describeMs)).toEqual(["60 s", "1500 ms", "300 ms"]);
});
