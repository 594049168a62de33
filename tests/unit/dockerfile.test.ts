/** Tests that Dockerfile.bun keeps up with package.json, which a Dockerfile cannot read. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };

const text = await Bun.file(join(import.meta.dir, "../../Dockerfile.bun")).text();
const defaults = (argument: string): string[] =>
  [...text.matchAll(new RegExp(`^ARG ${argument}=(.*)$`, "gm"))].map(([, value = ""]) => value);

test("Dockerfile.bun builds with the Bun that package.json names", () => {
  expect(defaults("BUN_IMAGE")).toEqual([`oven/bun:${manifest.engines.bun}-slim`]);
});

test("both images of Dockerfile.bun are labelled with package.json's version", () => {
  expect(defaults("VERSION")).toEqual([manifest.version, manifest.version]);
});
