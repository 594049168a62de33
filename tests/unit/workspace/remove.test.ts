/** `models remove`: what it takes away, and what it refuses. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { removeModel } from "../../../src/workspace/remove.ts";
import { CommandRun } from "../../support/command-run.ts";

test("a model's folder is removed, and nothing else", async () => {
  await using run = await CommandRun.create();
  await Bun.write(run.path("workspace/models/a/model.json"), "{}");
  await Bun.write(run.path("workspace/models/b/model.json"), "{}");
  await removeModel("a", run.context());
  expect(await run.files()).toEqual(["b/model.json"]);
  expect(run.printed).toEqual(["removed models/a"]);
});

test("a folder whose name no model can have is removed", async () => {
  await using run = await CommandRun.create();
  await Bun.write(run.path("workspace/models/my model/model.json"), "{}");
  await removeModel("my model", run.context());
  expect(await run.files()).toEqual([]);
});

test("a built-in model cannot be removed, a folder that overrides it can", async () => {
  await using run = await CommandRun.create();
  await expect(removeModel("thermal", run.context())).rejects.toThrow("thermal is built in");
  await Bun.write(run.path("workspace/models/thermal/model.json"), "{}");
  await removeModel("thermal", run.context());
  expect(run.printed[0]).toContain("the built-in model of that name is back");
});

test("an unknown name is an error that lists the known ones", async () => {
  await using run = await CommandRun.create();
  await expect(removeModel("a", run.context())).rejects.toThrow(/no model "a" in .*; it has none/);
  await Bun.write(run.path("workspace/models/b/model.json"), "{}");
  await expect(removeModel("a", run.context())).rejects.toThrow('it has "b"');
});

test("names that lead out of the folder of models remove nothing", async () => {
  await using run = await CommandRun.create();
  await Bun.write(run.path("workspace/models/b/model.json"), "{}");
  await Bun.write(run.path("workspace/models/.hidden/x"), "");
  await Bun.write(run.path("workspace/secret/x"), "");
  for (const name of ["..", ".", "../secret", "b/../../secret", "b/model.json", ".hidden", "/tmp"])
    await expect(removeModel(name, run.context())).rejects.toThrow("there is no model");
  expect(existsSync(run.path("workspace/secret/x"))).toBe(true);
  expect(await run.files()).toEqual([".hidden/x", "b/model.json"]);
});

test("of a link only the link is removed", async () => {
  await using run = await CommandRun.create();
  await Bun.write(run.path("elsewhere/model.json"), "{}");
  await mkdir(run.path("workspace/models"), { recursive: true });
  await symlink(run.path("elsewhere"), run.path("workspace/models/linked"));
  await symlink(run.path("nowhere"), run.path("workspace/models/dangling"));
  await removeModel("linked", run.context());
  await removeModel("dangling", run.context());
  expect(await run.files()).toEqual([]);
  expect(existsSync(run.path("elsewhere/model.json"))).toBe(true);
});
