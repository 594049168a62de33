/** Adds a capability by its file and its line in the registry, as docs/development.md shows, and calls it. */
import { expect, test } from "bun:test";
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandsOf } from "../support/doc-commands.ts";
import { startServer } from "../support/server-process.ts";

const ROOT = join(import.meta.dir, "../..");
const docs = await Bun.file(join(ROOT, "docs/development.md")).text();
const shown = /^```ts\n([\s\S]*?)^```/m.exec(docs)?.[1] ?? "";

/** A copy of the program with the file of the docs and its line in the list; removed when disposed. */
async function programWithCapability() {
  const folder = await mkdtemp(join(tmpdir(), "own-capability-"));
  await cp(join(ROOT, "src"), join(folder, "src"), { recursive: true });
  await cp(join(ROOT, "package.json"), join(folder, "package.json"));
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const capabilities = join(folder, "src/capabilities");
  await Bun.write(join(capabilities, "my-custom-capability.ts"), shown);
  const registry = Bun.file(join(capabilities, "registry.ts"));
  const list = "export const CAPABILITIES: readonly Capability[] = [";
  const before = await registry.text();
  expect(before).toContain(list);
  await registry.write(
    `import { myCustomCapability } from "./my-custom-capability.ts";\n${before.replace(list, `${list}\n  myCustomCapability,`)}`,
  );
  return {
    main: join(folder, "src/main.ts"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

test("a capability of one's own has its routes, its checks and its place in OpenAPI", async () => {
  await using program = await programWithCapability();
  await using server = await startServer(program.main);
  const call = (body: object) =>
    fetch(`${server.url}/c/my-custom-capability`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  const [command] = commandsOf("docs/development.md").filter(({ prints }) => prints !== null);
  const sent = JSON.parse(/-d '(.*)'$/.exec(command?.text ?? "")?.[1] ?? "") as object;
  expect(await (await call(sent)).text()).toBe(command?.prints ?? "");
  const refused = await call({ text: 5 });
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({ details: [{ field: "text" }] });
  expect(await (await fetch(`${server.url}/openapi/json`)).text()).toContain('"words"');
});

test("the capability of the docs is the file that is checked and linted", async () => {
  const source = await Bun.file(join(ROOT, "tests/support/my-custom-capability.ts")).text();
  const expected = source
    .replace("../../src/capabilities/", "./")
    .replace(" docs/development.md shows this file.", "");
  expect(shown).toBe(expected);
});
