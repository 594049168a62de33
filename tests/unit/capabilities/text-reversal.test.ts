import { expect, test } from "bun:test";
import { findCapability } from "../../../src/capabilities/registry.ts";
import { textReversal } from "../../../src/capabilities/text-reversal.ts";

const context = {
  signal: new AbortController().signal,
  route: "direct",
  streams: { start: () => Promise.reject(new Error("not asked for")) },
  images: { make: () => Promise.reject(new Error("not asked for")) },
  reserve: () => {},
  progress: () => {},
  describe: () => {},
} as const;

test.each([
  ["Hello, ComfyStream BYOC!", "!COYB maertSyfmoC ,olleH"],
  ["", ""],
  ["a😀b", "b😀a"],
  ["𝒳𝒴", "𝒴𝒳"],
])("%p is reversed by code point", (text, reversed) => {
  expect(textReversal.run({ text }, context)).toEqual({ original: text, reversed });
});

test("a capability is found by its alias, and an unknown one is told which there are", () => {
  expect(findCapability("reverse-text")).toBe(textReversal);
  expect(() => findCapability("nothing")).toThrow("text-reversal, comfystream-video");
});
