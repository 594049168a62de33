import { expect, test } from "bun:test";
import { join } from "node:path";
import { pathOf, workspaceFiles } from "../../../../src/engine/graph/workspace-files.ts";
import { OnnxWorkspace } from "../../../support/onnx-workspace.ts";

test("files are found in the folder that their name states, else in input before output", async () => {
  await using workspace = await OnnxWorkspace.create();
  const { path } = workspace;
  for (const file of ["input/both.png", "output/both.png", "output/sub/late.png", "secret.png"]) {
    await Bun.write(join(path, file), "x");
  }
  expect(await pathOf(path, "both.png")).toBe(join(path, "input/both.png"));
  expect(await pathOf(path, "both.png [input]")).toBe(join(path, "input/both.png"));
  expect(await pathOf(path, "both.png [output]")).toBe(join(path, "output/both.png"));
  expect(await pathOf(path, "sub/late.png")).toBe(join(path, "output/sub/late.png"));
  for (const name of ["late.png [input]", "sub/late.png [input]", "../secret.png", "/etc/hosts"]) {
    expect(await pathOf(path, name)).toBeNull();
  }
});

test("a workspace without folders has models alone", async () => {
  await using workspace = await OnnxWorkspace.create();
  const files = await workspaceFiles(workspace.path, ["tiny-sd"]);
  expect(files.find("vae", "Tiny-SD.safetensors")).toBe("tiny-sd");
  expect(files.list("image")).toEqual([]);
});
