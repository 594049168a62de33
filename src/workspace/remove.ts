/** The command `models remove`: takes a model's folder out of the workspace. */
import { randomUUID } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { BUILT_INS } from "../engine/models/built-in.ts";
import { isModelName, listModelFolders } from "../engine/models/model-folder.ts";
import type { CommandContext } from "./command.ts";
import { CommandError } from "./failures.ts";
import { isPresent, modelFolder, modelsFolder } from "./layout.ts";

/**
 * The folder is renamed to a hidden one first, so that no engine ever reads half of a model. Folders whose name no model can
 * have are removed as well: `models list` shows them as failed. Of a link, only the link is removed.
 */
export async function removeModel(name: string, { config, print }: CommandContext): Promise<void> {
  const { workspace } = config;
  const isBuiltIn = Object.hasOwn(BUILT_INS, name);
  const isEntry = isModelName(name) || (await listModelFolders(workspace)).includes(name);
  if (!isEntry || !(await isPresent(modelFolder(workspace, name)))) {
    if (isBuiltIn) throw new CommandError(`${name} is built in: there is no folder to remove`);
    throw await unknownModel(workspace, name);
  }
  const removed = join(modelsFolder(workspace), `.removed-${randomUUID()}`);
  await rename(modelFolder(workspace, name), removed).catch(async (error) => {
    // Another `models remove` was faster.
    if (error.code === "ENOENT") throw await unknownModel(workspace, name);
    throw error;
  });
  await rm(removed, { recursive: true, force: true });
  const back = isBuiltIn ? "; the built-in model of that name is back" : "";
  print(`removed models/${name}${back}`);
}

async function unknownModel(workspace: string, name: string): Promise<CommandError> {
  const names = (await listModelFolders(workspace)).map((one) => JSON.stringify(one)).sort();
  const there = names.length > 0 ? `it has ${names.join(", ")}` : "it has none";
  return new CommandError(
    `there is no model ${JSON.stringify(name)} in ${modelsFolder(workspace)}; ${there}`,
  );
}
