import { expect, test } from "bun:test";
import { fromPytrickle } from "../../../../../src/server/protocols/byoc/pytrickle-params.ts";

const size = (width: unknown, height: unknown) => ({ width, height });

test.each<[string, unknown, unknown]>([
  [
    "numbers as text",
    { ...size("640", " 360 "), max_framerate: "24" },
    { ...size(640, 360), max_framerate: 24 },
  ],
  ["fractions of a size", size(640.7, "360.2"), size(640, 360)],
  [
    "null, which resets",
    { ...size(null, null), max_framerate: null },
    { ...size(null, null), max_framerate: null },
  ],
  ["words, for the schema to refuse", size("wide", true), size("wide", true)],
  ["fields it does not know", { prompts: "x", fps: "24" }, { prompts: "x", fps: "24" }],
  ["true and its spellings", { detect_out_resolution: "Yes" }, {}],
  ["false without a size", { detect_out_resolution: 0 }, size(512, 512)],
  ["false with a size", { detect_out_resolution: "no", ...size(64, 64) }, size(64, 64)],
  ["a list", [1], [1]],
  ["null", null, null],
])("%s", (_title, params, expected) => {
  expect(fromPytrickle(params, "start")).toEqual(expected);
});

test("an update gets no default size, and may be wrapped", () => {
  expect(fromPytrickle({ detect_out_resolution: false }, "update")).toEqual({});
  expect(fromPytrickle({ params: size("64", "32") }, "update")).toEqual({ params: size(64, 32) });
  expect(fromPytrickle({ params: '{"width":"64"}' }, "update")).toEqual({ params: { width: 64 } });
  expect(fromPytrickle({ params: "{" }, "update")).toEqual({ params: "{" });
});

test.each([["maybe"], [2], [[]], [{}]])("detect_out_resolution %j is refused by name", (value) => {
  const refuse = () => fromPytrickle({ detect_out_resolution: value }, "start");
  expect(refuse).toThrow("detect_out_resolution must be true or false");
});
