import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../../..");
const page = readFileSync(join(root, "docs/diffusion.md"), "utf8");

test("docs/diffusion.md: the pages and scripts that it names are there", () => {
  const links = [...page.matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)].map(([, path = ""]) => path);
  const scripts = [...page.matchAll(/\bpython (scripts\/\S+)/g)].map(([, path = ""]) => path);
  expect([links.length, scripts.length].every((count) => count > 1)).toBe(true);
  for (const link of links)
    expect({ link, exists: existsSync(join(root, "docs", link)) }).toEqual({
      ...{ link, exists: true },
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
