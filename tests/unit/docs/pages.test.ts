import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Glob } from "bun";

const root = join(import.meta.dir, "../../..");
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "docs/api.md",
  "docs/input.md",
  "docs/binary.md",
].concat(...["operators", "development"].map((name) => `docs/${name}.md`));
const development = readFileSync(join(root, "docs/development.md"), "utf8");
const text = pages.map((page) => readFileSync(join(root, page), "utf8")).join("\n");

/** Paths of the tree in "How it works". A name's depth is its indentation; a file named in a description is beside it. */
function pathsOfTree(): string[] {
  const [, tree = ""] = /```\n(src\/\n[^`]*)```/.exec(development) ?? [];
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

test("every path in the tree of docs/development.md exists", () => {
  const paths = pathsOfTree();
  expect(paths).toContain("src/server/engines/supervisor.ts");
  expect(paths.length).toBeGreaterThan(30);
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test("every source file that the pages name exists", () => {
  const named = [...text.matchAll(/`((?:src|docs|scripts)\/[\w./-]+)`/g)].map(
    ([, path = ""]) => path,
  );
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test("every script of a command exists", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const named = [...text.matchAll(/bun(?:@[\d.]+)? run ([a-z-]+)/g)].map(([, name = ""]) => name);
  expect(named.length).toBeGreaterThan(8);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

const everyPage = ["*.md", "docs/*.md", "examples/*.md", "tests/reference/*.md"].flatMap(
  (pattern) => [...new Glob(pattern).scanSync(root)],
);

test.each(everyPage)("%s: every link leads somewhere", (page) => {
  const links = readFileSync(join(root, page), "utf8").matchAll(
    /\]\((?!https:)([^)#]*)(#[^)]*)?\)/g,
  );
  const broken = [...links].filter(([, path = "", anchor]) => {
    const target = path === "" ? join(root, page) : join(root, dirname(page), path);
    if (!existsSync(target)) return true;
    return anchor !== undefined && !anchorsOf(readFileSync(target, "utf8")).includes(anchor);
  });
  expect(broken.map(([link]) => link)).toEqual([]);
});

/** As GitHub makes them of headings. */
const anchorsOf = (markdown: string): string[] =>
  [...markdown.matchAll(/^#+ (.+)$/gm)].map(
    ([, heading = ""]) =>
      `#${heading
        .toLowerCase()
        .replace(/[^\w\s-]/g, "")
        .replaceAll(" ", "-")}`,
  );
