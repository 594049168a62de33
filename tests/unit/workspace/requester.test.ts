/** Where downloads may go: schemes, redirects, private addresses, tokens. Hosts that a test cannot reach are answered by a fake. */
import { expect, test } from "bun:test";
import { Requester } from "../../../src/workspace/http/requester.ts";

const { signal } = new AbortController();
const ADDRESSES: Readonly<Record<string, string[]>> = {
  "public.example": ["93.184.215.14"],
  "cdn.example": ["2606:2800:21f:cb07::1", "93.184.215.15"],
  "inside.example": ["10.0.0.7"],
  localhost: ["127.0.0.1"],
  "half.example": ["93.184.215.16", "127.0.0.1"],
};

/** Answers by a table of redirects; everything else is a 200. Records what was sent. */
function requester(redirects: Readonly<Record<string, string>>, env: Record<string, string> = {}) {
  const sent: { url: string; init: BunFetchRequestInit }[] = [];
  const made = new Requester({
    env,
    resolve: async (name) => {
      const addresses = ADDRESSES[name];
      if (addresses === undefined) throw Object.assign(new Error("none"), { code: "ENOTFOUND" });
      return addresses;
    },
    send: async (url, init) => {
      sent.push({ url, init });
      const named = new URL(url);
      const host = new Headers(init.headers).get("host");
      if (host !== null) named.host = host;
      const location = redirects[named.href];
      return location === undefined
        ? new Response("content")
        : new Response(null, { status: 302, headers: { location } });
    },
  });
  const get = (url: string, token?: string) => made.request(new URL(url), { signal, token });
  return { get, sent };
}

test("http is refused, but to this machine", async () => {
  const { get, sent } = requester({});
  await expect(get("http://public.example/x")).rejects.toThrow("use https://");
  await expect(get("http://10.0.0.7/x")).rejects.toThrow("use https://");
  await expect(get("ftp://public.example/x")).rejects.toThrow("only https://");
  for (const url of ["http://127.0.0.1:1/x", "http://localhost:1/x", "http://[::1]:1/x"])
    await get(url);
  expect(sent.length).toBe(3);
});

test("a redirect from https to http is refused, also to this machine", async () => {
  for (const location of ["http://public.example/y", "http://127.0.0.1/y"]) {
    const { get } = requester({ "https://inside.example/x": location });
    await expect(get("https://inside.example/x")).rejects.toThrow("leaves https for http");
  }
});

test("a redirect from a public host into this network is refused before anything is sent there", async () => {
  for (const host of [
    "inside.example",
    "half.example",
    "127.0.0.1",
    "localhost",
    "[::1]",
    "169.254.169.254",
    "[::ffff:10.0.0.1]",
  ]) {
    const { get, sent } = requester({ "https://public.example/x": `https://${host}/y` }, {});
    await expect(get("https://public.example/x")).rejects.toThrow(
      "refused a redirect from the Internet",
    );
    expect(sent.length).toBe(1);
  }
});

test("a host of this network may redirect within it", async () => {
  const { get } = requester({ "https://inside.example/x": "https://10.0.0.8/y" });
  expect((await get("https://inside.example/x")).url.href).toBe("https://10.0.0.8/y");
});

test("after a redirect the address that was checked is the one that is connected to", async () => {
  const { get, sent } = requester({ "https://public.example/x": "https://cdn.example/y" });
  await get("https://public.example/x");
  expect(sent[1]?.url).toBe("https://93.184.215.15/y");
  expect(new Headers(sent[1]?.init.headers).get("host")).toBe("cdn.example");
  expect(sent[1]?.init.tls).toMatchObject({ serverName: "cdn.example" });
});

test("a token goes to the first origin alone", async () => {
  const { get, sent } = requester({
    "https://public.example/x": "/y",
    "https://public.example/y": "https://cdn.example/z",
  });
  await get("https://public.example/x", "hf_secret");
  const tokens = sent.map(({ init }) => new Headers(init.headers).get("authorization"));
  expect(tokens).toEqual(["Bearer hf_secret", "Bearer hf_secret", null]);
});

test("five redirects are followed, the sixth is an error", async () => {
  const chain = (length: number) =>
    Object.fromEntries(
      Array.from({ length }, (_, at) => [`https://inside.example/${at}`, `/${at + 1}`]),
    );
  expect((await requester(chain(5)).get("https://inside.example/0")).url.pathname).toBe("/5");
  await expect(requester(chain(6)).get("https://inside.example/0")).rejects.toThrow(
    "redirects more than 5 times",
  );
});

test("behind a proxy names are not resolved here, and private addresses are still refused", async () => {
  const env = { HTTPS_PROXY: "http://proxy.example:3128" };
  const table = { "https://unknown.example/x": "https://other.example/y" };
  const proxied = requester(table, env);
  await proxied.get("https://unknown.example/x");
  expect(proxied.sent[1]).toMatchObject({
    url: "https://other.example/y",
    init: { proxy: "http://proxy.example:3128" },
  });
  const inside = requester({ "https://unknown.example/x": "https://10.0.0.7/y" }, env);
  await expect(inside.get("https://unknown.example/x")).rejects.toThrow("refused a redirect");
});

test("a host that does not exist is named without its path", async () => {
  const { get } = requester({});
  await expect(get("https://missing.example/secret")).rejects.toThrow(
    "https://missing.example cannot be reached: there is no such host",
  );
});
