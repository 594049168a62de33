/** Where the workspace keeps its models, and how they may be named. */
import { lstat } from "node:fs/promises";
import { join } from "node:path";

/** The folder of all models. Its hidden entries are not models. */
export const modelsFolder = (workspace: string): string => join(workspace, "models");

/** The folder of one model. */
export const modelFolder = (workspace: string, name: string): string =>
  join(modelsFolder(workspace), name);

/** True if something lies there, be it a link that leads nowhere. */
export async function isPresent(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return false;
      throw error;
    },
  );
}

/** A model's name made of any text: what is not a letter, a digit, a dot, a dash or an underscore becomes a dash. */
export function toModelName(text: string): string {
  const name = text
    .normalize("NFKD")
    .replace(/\p{Mark}+/gu, "")
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[._-]+|[._-]+$/g, "")
    .slice(0, 64)
    .replace(/[._-]+$/, "");
  return name === "" ? "model" : name;
}
