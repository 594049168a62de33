/** Where the license of a model is found, and how it is recognized. */
import { expect, test } from "bun:test";
import { licenseFiles, readLicense } from "../../../src/workspace/license.ts";
import type { Offer } from "../../../src/workspace/sources/source.ts";
import { CommandRun } from "../../support/command-run.ts";

const offer = (paths: readonly string[]): Offer => ({
  label: "it",
  title: "it",
  files: paths.map((path) => ({ path, size: 100 })),
  license: null,
  kind: null,
  find: async () => null,
  fetch: async () => {},
  [Symbol.asyncDispose]: async () => {},
});

test("license files of the model's folder go before those above, and a wheel's metadata comes last", () => {
  const found = (paths: readonly string[]) => {
    const { texts, cards } = licenseFiles(offer(paths), "pkg/models/m.onnx");
    return [...texts, ...cards].map(({ path }) => path);
  };
  expect(found(["LICENSE", "pkg/models/LICENSE.txt", "pkg/models/NOTICE"])).toEqual([
    "pkg/models/LICENSE.txt",
    "pkg/models/NOTICE",
  ]);
  expect(found(["LICENSE", "other/LICENSE", "README.md"])).toEqual(["LICENSE", "README.md"]);
  expect(found(["p-1.0.dist-info/licenses/LICENSE", "p-1.0.dist-info/METADATA"])).toEqual([
    "p-1.0.dist-info/licenses/LICENSE",
    "p-1.0.dist-info/METADATA",
  ]);
  expect(found(["other/LICENSE", "pkg/licenses.py", ".github/LICENSE"])).toEqual([]);
});

test("a license is read from metadata, from a model card, or recognized by its text", async () => {
  await using run = await CommandRun.create();
  for (const [text, license] of [
    ["Metadata-Version: 2.4\nName: x\nLicense-Expression: MIT\n\nLicense: of the body", "MIT"],
    [
      "Name: x\nLicense: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n\n",
      "MIT License",
    ],
    ["---\ntags:\n- onnx\nlicense: apache-2.0\n---\n# Card", "apache-2.0"],
    ["---\nlicense: other\nlicense_name: my-license\n---\n", "my-license"],
    ["# Card\n\nlicense: in the text", null],
    ["                 Apache License\n           Version 2.0, January 2004\n", "Apache-2.0"],
    ["MIT License\n\nPermission is hereby granted, free of charge, to any", "MIT"],
    ["All rights reserved.", null],
  ] as const) {
    await Bun.write(run.path("text"), text);
    expect(await readLicense(run.path("text"))).toBe(license);
  }
});
