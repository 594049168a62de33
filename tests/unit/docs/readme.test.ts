import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../../..");
const readme = readFileSync(join(root, "README.md"), "utf8");

/** Paths of the tree in "How it works". A name's depth is its indentation; a file named in a description is beside it. */
function pathsOfTree(): string[] {
  const [, tree = ""] = /```\n(src\/\n[^`]*)```/.exec(readme) ?? [];
  const folders: string[] = [];
  const paths: string[] = [];
  for (const line of tree.split("\n").filter((line) => line !== "")) {
    const [, indent = "", name = "", description = ""] =
      /^([│├└─ ]*)(\S+)\s*(.*)$/.exec(line) ?? [];
    const depth = indent.length / 4;
    folders.length = depth;
    const path = join(...folders, name);
    paths.push(path);
    if (name.endsWith("/")) folders[depth] = name;
    const inside = name.endsWith("/") ? path : join(...folders);
    for (const [file] of description.matchAll(/[\w-]+\.ts\b/g)) paths.push(join(inside, file));
  }
  return paths;
}

test("every path in README's tree exists", () => {
  const paths = pathsOfTree();
  expect(paths).toContain("src/server/http/access.ts");
  expect(paths.length).toBeGreaterThan(30);
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test("every source file that README names exists", () => {
  const named = [...readme.matchAll(/`((?:src|docs|scripts)\/[\w./-]+)`/g)].map(
    ([, path = ""]) => path,
  );
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test("every script of a command in README exists", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const named = [...readme.matchAll(/bun(?:@[\d.]+)? run ([a-z-]+)/g)].map(([, name = ""]) => name);
  expect(named.length).toBeGreaterThan(8);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});
