import { expect, test } from "bun:test";
import { readConfig } from "../../../../../../src/config.ts";
import {
  assertNamesServed,
  doubtAbout,
  missingVariables,
  offersOf,
  remarkOnName,
} from "../../../../../../src/server/protocols/byoc/registration/offer.ts";

const serving = { ownUrl: "http://localhost:5000", places: 4 };
const offers = (env: Record<string, string>, token?: string) =>
  offersOf(readConfig([], env), { ...serving, ...(token && { token }) });

test("a single name has the URL itself, several names have paths below it, duplicates are dropped", () => {
  const one = offers({ CAPABILITY_NAME: "a", CAPABILITY_URL: "https://worker:8080/x/" });
  expect(one.map(({ url }) => url)).toEqual(["https://worker:8080/x"]);
  const two = offers({ CAPABILITY_NAME: "a, b,a", CAPABILITY_URL: "https://worker:8080" });
  expect(two.map(({ url }) => url)).toEqual(["https://worker:8080/c/a", "https://worker:8080/c/b"]);
});

const named = (names: string) => ({ capabilityName: names.split(",") });

test("of several names each must be a capability or an alias; a single one may be anything", () => {
  expect(() => assertNamesServed(named("text-reversal,text-reversl,video-a"))).toThrow(
    /^CAPABILITY_NAME .*: text-reversl \(did you mean text-reversal\?\), video-a; there are text-reversal, comfystream-video, /,
  );
  const fine = [
    "comfystream-video",
    "reverse-text,comfystream-video",
    "video-a",
    "video-a,video-a",
  ];
  for (const names of fine) assertNamesServed(named(names));
});

test("a remark says that jobs under a single name of the operator's are refused", () => {
  expect(remarkOnName(named("text-reversl"))).toMatch(/^text-reversl \(did you mean text-rev.*job/);
  expect(remarkOnName(named("video-large"))).toMatch(/^video-large is not .* streams run under it/);
  for (const names of ["text-reversal", "reverse-text", "text-reversal,comfystream-video"])
    expect(remarkOnName(named(names))).toBeNull();
});

test("the capacity defaults to the server's, and every number is an integer", () => {
  expect(offers({})).toEqual([
    {
      name: "comfystream-video",
      url: "http://localhost:5000",
      capacity: 4,
      price_per_unit: 0,
      price_scaling: 1,
      currency: "wei",
      description: expect.any(String),
    },
  ]);
  const set = { CAPABILITY_CAPACITY: "9", CAPABILITY_PRICE_PER_UNIT: "12" };
  expect(offers(set, "t")[0]).toMatchObject({ capacity: 9, price_per_unit: 12, token: "t" });
  for (const bad of ["1.5", "x", "-1"])
    expect(() => offers({ CAPABILITY_PRICE_PER_UNIT: bad })).toThrow("CAPABILITY_PRICE_PER_UNIT");
});

test("missing variables are named", () => {
  expect(missingVariables(readConfig([], {}))).toEqual(["ORCH_URL", "ORCH_SECRET"]);
  expect(missingVariables(readConfig([], { ORCH_URL: "https://o", ORCH_SECRET: "s" }))).toEqual([]);
});

test.each([
  ["https://orch:8935", undefined, "CAPABILITY_URL is not set"],
  ["https://orch:8935", "http://0.0.0.0:5000", "nobody can connect"],
  ["https://orch:8935", "http://[::]:5000", "nobody can connect"],
  ["https://orch:8935", "http://localhost:5000", "only from this machine"],
  ["https://orch:8935,http://127.0.0.1:1", "http://127.0.0.2:5000", "only from this machine"],
  ["https://orch:8935", "http://worker:5000", null],
  ["https://orch:8935", "http://worker:5000/base/", "have the proxy at worker:5000 strip the path"],
  ["http://127.0.0.1:8935", undefined, null],
  ["http://[::1]:8935", "http://localhost:5000", null],
])("an orchestrator at %s and CAPABILITY_URL %s: %p", (orchUrl, capabilityUrl, doubt) => {
  const env = { ORCH_URL: orchUrl, ...(capabilityUrl && { CAPABILITY_URL: capabilityUrl }) };
  const said = doubtAbout(readConfig([], env));
  if (doubt === null) expect(said).toBeNull();
  else expect(said).toContain(doubt);
});

test.each(["ftp://x", "http://a,http://b", "http://user:pw@x", "http://x/?y=1", "worker:5000"])(
  "CAPABILITY_URL %s is refused",
  (url) => {
    expect(() => readConfig([], { CAPABILITY_URL: url })).toThrow("CAPABILITY_URL must be one");
  },
);
