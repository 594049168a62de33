import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { ModelCatalogue } from "../../../src/engine/models/catalogue.ts";
import { OnnxWorkspace } from "../../support/onnx-workspace.ts";
import { writePipeline } from "../../support/synthetic-pipeline.ts";

const root = join(import.meta.dir, "../../..");
const page = readFileSync(join(root, "docs/diffusion.md"), "utf8");

test("docs/diffusion.md: the pages and scripts that it names are there", () => {
  const links = [...page.matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)].map(([, path = ""]) => path);
  const scripts = [...page.matchAll(/\bpython (scripts\/\S+)/g)].map(([, path = ""]) => path);
  expect([links.length, scripts.length].every((count) => count > 1)).toBe(true);
  for (const link of links)
    expect({ link, exists: existsSync(join(root, "docs", link)) }).toEqual({
      link,
      exists: true,
    });
  for (const script of scripts) {
    expect({ script, exists: existsSync(join(root, script)) }).toEqual({ script, exists: true });
  }
});

test("docs/diffusion.md: the commands that it names are in package.json", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const named = [...page.matchAll(/bun run ([\w-]+)/g)].map(([, name = ""]) => name);
  expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  expect(named).toContain("weighty-run");
});

/** The `model.json` that a page shows within a sentence. */
const shownIn = (file: string): string =>
  /`(\{"inputs": \{"steps".*?\}\})`/.exec(readFileSync(join(root, "docs", file), "utf8"))?.[1] ??
  "";

test.each([["diffusion.md"], ["models.md"]])(
  "docs/%s: the model.json that it shows sets the default of a pipeline",
  async (file) => {
    await using workspace = await OnnxWorkspace.create();
    const folder = join(workspace.path, "models/drawn");
    await writePipeline(folder);
    const catalogue = await ModelCatalogue.open(workspace.path);
    const steps = async () =>
      (await catalogue.get("drawn")).definition.params.find(({ name }) => name === "steps");
    const usual = await steps();
    expect(usual).toMatchObject({ default: 1 });
    await Bun.write(join(folder, "model.json"), shownIn(file));
    expect(await steps()).toEqual(Object.assign({}, usual, { default: 4 }));
  },
);

test.each([
  [{ steps: { default: 99_999 } }, /inputs\.steps\.default .*99999/],
  [{ steps: { standard: 4 } }, /inputs\.steps\.standard is an unknown field/],
  [{ stepz: { default: 4 } }, /inputs\.stepz .*steps/],
])("a pipeline's model.json with %j is refused with the field", async (inputs, message) => {
  await using workspace = await OnnxWorkspace.create();
  const folder = join(workspace.path, "models/drawn");
  await writePipeline(folder);
  await Bun.write(join(folder, "model.json"), JSON.stringify({ inputs }));
  const catalogue = await ModelCatalogue.open(workspace.path);
  await expect(catalogue.get("drawn")).rejects.toThrow(message);
});
