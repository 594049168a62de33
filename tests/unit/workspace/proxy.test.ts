/** Which proxy a request goes through. */
import { expect, test } from "bun:test";
import { proxyFor } from "../../../src/workspace/http/proxy.ts";

const PROXY = "http://proxy:3128";
const through = (url: string, env: Record<string, string>) => proxyFor(new URL(url), env);

test("the scheme of the URL chooses the variable, ALL_PROXY serves the rest", () => {
  expect(through("https://a.example", {})).toBeNull();
  expect(through("https://a.example", { HTTPS_PROXY: PROXY })).toBe(PROXY);
  expect(through("https://a.example", { HTTP_PROXY: PROXY })).toBeNull();
  expect(through("http://a.example", { http_proxy: PROXY, HTTP_PROXY: "http://x" })).toBe(PROXY);
  expect(through("https://a.example", { ALL_PROXY: PROXY })).toBe(PROXY);
  expect(through("https://a.example", { HTTPS_PROXY: "" })).toBeNull();
  expect(through("https://a.example", { HTTPS_PROXY: "proxy:3128" })).toBe(PROXY);
});

test("NO_PROXY excepts hosts, their subdomains, addresses, ranges and ports", () => {
  const excepted = (url: string, list: string) =>
    through(url, { HTTPS_PROXY: PROXY, HTTP_PROXY: PROXY, NO_PROXY: list }) === null;
  for (const [url, list] of [
    ["https://a.example", "a.example"],
    ["https://A.Example", "b, a.example"],
    ["https://sub.a.example", ".a.example"],
    ["https://sub.a.example", "*.a.example"],
    ["https://sub.a.example", "a.example"],
    ["https://a.example", "*"],
    ["https://a.example:8443", "a.example:8443"],
    ["https://a.example", "a.example:443"],
    ["http://127.0.0.1:5000", "127.0.0.1"],
    ["http://[::1]:5000", "::1"],
    ["http://[::1]:5000", "[::1]"],
    ["https://10.1.2.3", "10.0.0.0/8"],
  ] as const)
    expect([url, list, excepted(url, list)]).toEqual([url, list, true]);
  for (const [url, list] of [
    ["https://a.example", ""],
    ["https://ba.example", "a.example"],
    ["https://a.example", "a.example:80"],
    ["https://11.1.2.3", "10.0.0.0/8"],
    ["https://a.example", "10.0.0.0/8"],
    ["https://10.1.2.3", "10.0.0.0/99"],
  ] as const)
    expect([url, list, excepted(url, list)]).toEqual([url, list, false]);
});
