/** Folders in which models are put together: who holds them, what is kept, how they are published. */
import { expect, test } from "bun:test";
import { existsSync, statSync, utimesSync } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { holdFolder } from "../../../src/workspace/held-folder.ts";
import { cleanStale, Staging } from "../../../src/workspace/staging.ts";
import { CommandRun } from "../../support/command-run.ts";

const HELD_FOLDER = join(import.meta.dir, "../../../src/workspace/held-folder.ts");
const HOLDER = `
  const { holdFolder } = await import(${JSON.stringify(HELD_FOLDER)});
  console.log((await holdFolder(process.argv[1])) === null ? "refused" : "held");
  await Bun.sleep(60_000);
`;

test("a folder has one holder at a time, in this process and among processes, until the holder dies", async () => {
  await using run = await CommandRun.create();
  const path = run.path("held");
  const child = Bun.spawn([process.execPath, "-e", HOLDER, path], { stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toBe("held\n");
  expect(await holdFolder(path)).toBeNull();
  child.kill("SIGKILL");
  await child.exited;
  const held = await holdFolder(path);
  expect(await holdFolder(path)).toBeNull();
  await held?.release();
  const next = await holdFolder(path);
  await next?.remove();
  expect(existsSync(path)).toBe(false);
});

const CONTENDER = `
  const { holdFolder } = await import(${JSON.stringify(HELD_FOLDER)});
  const { open, unlink } = await import("node:fs/promises");
  const path = process.argv[1];
  let held = 0;
  const deadline = Date.now() + 1500;
  while (Date.now() < deadline) {
    const folder = await holdFolder(path);
    if (folder === null) continue;
    held++;
    await (await open(path + ".held", "wx")).close(); // throws if another has it
    await unlink(path + ".held");
    await folder.remove();
  }
  console.log(held);
`;

test("of processes that take and remove a folder again and again, one has it at a time", async () => {
  await using run = await CommandRun.create();
  const children = Array.from({ length: 3 }, () =>
    Bun.spawn([process.execPath, "-e", CONTENDER, run.path("contended")], { stdout: "pipe" }),
  );
  for (const child of children) {
    expect(Number(await new Response(child.stdout).text())).toBeGreaterThan(0);
    expect(await child.exited).toBe(0);
  }
  expect(existsSync(run.path("contended"))).toBe(false);
});

test("a model appears under its name at once, and nothing else stays", async () => {
  await using run = await CommandRun.create();
  const staging = await Staging.open(run.workspace, null);
  await Bun.write(join(staging.model, "m.onnx"), "x");
  await Bun.write(join(staging.notes, "card"), "x");
  await staging.publish("m");
  await staging.remove();
  expect(await run.files()).toEqual(["m/m.onnx"]);
  expect(existsSync(run.path("workspace/models/.partial"))).toBe(false);
});

test("a name that is taken in the meantime is an error that says what to do", async () => {
  await using run = await CommandRun.create();
  const models = run.path("workspace/models");
  const staging = await Staging.open(run.workspace, null);
  await Bun.write(join(staging.model, "m.onnx"), "new");
  await Bun.write(join(models, "folder/m.onnx"), "old");
  await Bun.write(join(models, "file"), "old");
  await symlink("/nowhere", join(models, "link"));
  await mkdir(join(models, "empty"));
  for (const name of ["folder", "file", "link", "empty"])
    await expect(staging.publish(name)).rejects.toThrow(
      `--name, or delete it with: models remove ${name}`,
    );
  expect(await Bun.file(join(models, "folder/m.onnx")).text()).toBe("old");
  await staging.remove();
});

test("downloads are kept for a later call with the same key, and nothing else", async () => {
  await using run = await CommandRun.create();
  const first = await Staging.open(run.workspace, "https://a.example/m.onnx");
  await expect(Staging.open(run.workspace, "https://a.example/m.onnx")).rejects.toThrow(
    "another models add is downloading the same",
  );
  await Bun.write(first.download("x"), "part");
  await Bun.write(join(first.model, "half"), "x");
  const kept = (await first.keep()) ?? "";
  expect((await run.files()).length).toBe(1);
  const second = await Staging.open(run.workspace, "https://a.example/m.onnx");
  expect(await Bun.file(second.download("x")).text()).toBe("part");
  expect(second.model.startsWith(kept)).toBe(true);
  await second.remove();
  expect(await run.files()).toEqual([]);
});

test("cleaning deletes what killed calls left and what is old, and nothing that is held or fresh", async () => {
  await using run = await CommandRun.create();
  const partial = run.path("workspace/models/.partial");
  await Bun.write(join(partial, "killed/model/half.onnx"), "x");
  await Bun.write(join(partial, "fresh/downloads/x"), "x");
  await Bun.write(join(partial, "old/downloads/x"), "x");
  await Bun.write(join(partial, "no-folder"), "x");
  const eightDaysAgo = Date.now() / 1000 - 8 * 24 * 3600;
  utimesSync(join(partial, "old/downloads/x"), eightDaysAgo, eightDaysAgo);
  await mkdir(run.path("workspace/models/.removed-1"));
  const held = await Staging.open(run.workspace, null);
  await cleanStale(run.workspace);
  const left = (await run.files()).filter((file) => !file.endsWith("/lock"));
  expect(left).toEqual([".partial/fresh/downloads/x"]);
  expect(statSync(held.model).isDirectory()).toBe(true);
  expect(existsSync(run.path("workspace/models/.removed-1"))).toBe(false);
  await held.remove();
});
