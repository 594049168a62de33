/** Which ONNX file of a source is taken. */
import { expect, test } from "bun:test";
import { type Ask, chooseModel } from "../../../src/workspace/choose.ts";
import type { Offer } from "../../../src/workspace/sources/source.ts";

const offer = (paths: readonly string[], kind: string | null = null): Offer => ({
  label: "it.zip",
  title: "it",
  files: paths.map((path) => ({ path, size: 2 ** 20 })),
  license: null,
  kind,
  find: async () => null,
  fetch: async () => {},
  [Symbol.asyncDispose]: async () => {},
});
const TWO = ["a/small.onnx", "a/my large.onnx", "b/readme.txt"];
const choose = async (paths: readonly string[], named: string | null = null, ask: Ask = null) =>
  (await chooseModel(offer(paths), named, ask)).path;

test("the only one is taken; what macOS adds and what is hidden does not count", async () => {
  const paths = ["a/m.onnx", "__MACOSX/a/._m.onnx", "._m.onnx", ".cache/n.onnx", "n.txt"];
  expect(await choose(paths)).toBe("a/m.onnx");
});

test("a path, a folder, a name or a name without its ending chooses", async () => {
  for (const named of ["a/small.onnx", "./a/small.onnx", "small.onnx", "small"])
    expect(await choose(TWO, named)).toBe("a/small.onnx");
  expect(await choose(["a/x.onnx", "b/y.onnx"], "b/")).toBe("b/y.onnx");
});

test("of several, none is taken silently: they are listed with their sizes", async () => {
  await expect(choose(TWO)).rejects.toThrow(
    "it.zip has 2 ONNX files:\n  1  a/small.onnx     1.0 MiB\n  2  a/my large.onnx  1.0 MiB\nname one with --file",
  );
  await expect(choose(TWO, "a")).rejects.toThrow("has 2 ONNX files");
  await expect(choose(TWO, "b/readme.txt")).rejects.toThrow('no ONNX file "b/readme.txt"; it has:');
});

test("a person at a terminal picks by number or by path", async () => {
  expect(await choose(TWO, null, async () => "2\n")).toBe("a/my large.onnx");
  expect(await choose(TWO, null, async () => "small")).toBe("a/small.onnx");
  for (const answer of ["", "0", "3", "x"])
    await expect(choose(TWO, null, async () => answer)).rejects.toThrow("is none of them");
});

test("without an ONNX file, what there is instead is said", async () => {
  await expect(choose(["b/readme.txt"])).rejects.toThrow(
    "it.zip has no .onnx file; it has:\n  1  b/readme.txt",
  );
  await expect(choose([])).rejects.toThrow("it.zip is empty");
  await expect(chooseModel(offer(["data.pkl"], "is a checkpoint"), null, null)).rejects.toThrow(
    "it.zip is a checkpoint",
  );
  const many = Array.from({ length: 100 }, (_, at) => `${at}.txt`);
  await expect(choose(many)).rejects.toThrow("… and 60 more");
});
