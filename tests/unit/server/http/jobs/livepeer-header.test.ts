import { expect, test } from "bun:test";
import { WorkerError } from "../../../../../src/errors.ts";
import { parseLivepeerHeader } from "../../../../../src/server/http/jobs/livepeer-header.ts";

const SEED =
  "eyJyZXF1ZXN0IjogIntcInJ1blwiOiBcImVjaG9cIn0iLCAiY2FwYWJpbGl0eSI6ICJ0ZXh0LXJldmVyc2FsIiwgInRpbWVvdXRfc2Vjb25kcyI6IDMwfQ==";

/** Its base64 holds `+` and `/`, and wants padding. */
const tricky = { capability: "ÿþ>>>???~", timeout_seconds: 5 };
const standard = Buffer.from(JSON.stringify(tricky)).toString("base64");
const urlSafe = standard.replaceAll("+", "-").replaceAll("/", "_");

test("the seed's example header is read", () => {
  expect(parseLivepeerHeader(SEED)).toEqual({
    request: '{"run": "echo"}',
    capability: "text-reversal",
    timeout_seconds: 30,
  });
});

test.each([
  ["standard", standard],
  ["standard without padding", standard.replace(/=+$/, "")],
  ["URL-safe", urlSafe],
  ["URL-safe without padding", urlSafe.replace(/=+$/, "")],
  ["folded", standard.replace(/(.{10})/g, "$1\r\n\t ")],
])("%s base64 is understood", (_form, value) => {
  expect(parseLivepeerHeader(value)).toEqual(tricky);
});

test("unknown members are ignored", () => {
  expect(parseLivepeerHeader(encoded({ sig: "0x", OrchSearchTimeout: 5 }))).toMatchObject({
    sig: "0x",
  });
});

test.each([
  ["empty", "", "Livepeer"],
  ["no base64", "{}", "Livepeer"],
  ["cut base64", "eyJhI", "Livepeer"],
  ["too much padding", `${SEED}==`, "Livepeer"],
  ["not UTF-8", Buffer.from([0x22, 0xff, 0xfe, 0x22]).toString("base64"), "Livepeer"],
  ["no JSON", Buffer.from("hello").toString("base64"), "Livepeer"],
  ["a list", encoded([]), "Livepeer"],
  ["a text", encoded("x"), "Livepeer"],
  ["null", encoded(null), "Livepeer"],
  ["very many values", encoded({ values: Array(20_000).fill(0) }), "Livepeer"],
  ["timeout 0", encoded({ timeout_seconds: 0 }), "Livepeer.timeout_seconds"],
  ["timeout below 0", encoded({ timeout_seconds: -3 }), "Livepeer.timeout_seconds"],
  ["timeout with a fraction", encoded({ timeout_seconds: 1.5 }), "Livepeer.timeout_seconds"],
  ["timeout as text", encoded({ timeout_seconds: "30" }), "Livepeer.timeout_seconds"],
  ["capability as number", encoded({ capability: 5 }), "Livepeer.capability"],
])("%s is refused, naming what is wrong", (_form, value, field) => {
  try {
    parseLivepeerHeader(value);
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error;
    expect(error.kind).toBe("invalid_request");
    expect(error.details[0]?.field).toBe(field);
    return;
  }
  throw new Error("it was accepted");
});

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64");
}

test("a header is read, whatever was wrong with the one before", () => {
  const cut = Buffer.from([0x22, 0xe2, 0x82]).toString("base64");
  expect(() => parseLivepeerHeader(cut)).toThrow("UTF-8");
  expect(parseLivepeerHeader(SEED)).toEqual(parseLivepeerHeader(SEED));
});
