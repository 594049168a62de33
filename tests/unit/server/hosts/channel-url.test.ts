import { expect, test } from "bun:test";
import { isSameChannel } from "../../../../src/server/hosts/channel-url.ts";

const one = { url: "http://localhost:5000/trickle/a", address: "127.0.0.1" };

test.each([
  "http://127.0.0.1:5000/trickle/a",
  "http://gpu-box:5000/trickle/a",
  "http://localhost:5000//trickle/a",
  "http://localhost:5000/trickle/%61",
])("%s at the same address is the same channel", (url) => {
  expect(isSameChannel(one, { url, address: "127.0.0.1" })).toBe(true);
});

test.each([
  ["http://localhost:5000/trickle/b", "127.0.0.1"],
  ["http://localhost:5001/trickle/a", "127.0.0.1"],
  ["http://localhost:5000/trickle/a", "10.0.0.7"],
])("%s at %s is another channel", (url, address) => {
  expect(isSameChannel(one, { url, address })).toBe(false);
});

test("names that share a public address are different servers", () => {
  const far = { url: "http://a.example/x", address: "8.8.8.8" };
  expect(isSameChannel(far, { ...far, url: "http://b.example/x" })).toBe(false);
  expect(isSameChannel(far, { ...far })).toBe(true);
});
