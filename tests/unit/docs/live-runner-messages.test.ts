import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";

const root = join(import.meta.dir, "../../..");
const page = readFileSync(join(root, "docs/live-runner.md"), "utf8");
const folder = join(root, "src/server/protocols/live-runner");

/** What an operator may have to act on, as the source writes it: up to the first value in it. */
const messages = [...new Glob("**/*.ts").scanSync(folder)].flatMap((file) => {
  const source = readFileSync(join(folder, file), "utf8");
  const logged = source.matchAll(/log\.(?:warn|error)\(\s*(?:"([^"]+)"|`([^`$]+))/g);
  const named = source.matchAll(/const NOT_REGISTERED = "([^"]+)"/g);
  return [...logged, ...named].map(([, text, start]) => (text ?? start ?? "").replace(/: $/, ""));
});

test("every warning and error of the live runner is explained", () => {
  expect(messages.length).toBeGreaterThan(8);
  expect(messages.filter((message) => !page.includes(message))).toEqual([]);
});
