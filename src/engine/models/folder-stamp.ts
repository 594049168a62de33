/** Notices when a file of a model's folder was written, replaced or made readable. */
import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { partFiles } from "../diffusion/pipeline-folder.ts";
import { errorCode } from "./regular-file.ts";
import { isShortage } from "./shortage.ts";

export const MODEL_JSON = "model.json";
export const ONNX = ".onnx";

/** Files and folders that may change where a folder cannot be used: what is missing may come, in any of its folders. */
export async function watchedIn(folder: string): Promise<string[]> {
  // The stamp says what cannot be read.
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => !entry.isFile()).map((entry) => entry.name);
  return [".", ...folders, ...(await partFiles(folder).catch(() => []))];
}

/**
 * A text that differs whenever a file of the model was written, replaced or made readable; null where there is no
 * folder. Throws where the machine lacks what it takes to look (`isShortage`).
 *
 * @param files the entry's own `files`
 */
export async function stampOf(folder: string, files: readonly string[]): Promise<string | null> {
  try {
    const names = (await readdir(folder)).filter(
      (name) => name === MODEL_JSON || name.endsWith(ONNX),
    );
    names.push(...files);
    const stamps = names.sort().map(async (name) => {
      const info = await stat(join(folder, name)).catch(() => null); // it may vanish meanwhile
      return `${name}:${info?.ino}:${info?.size}:${info?.mtimeMs}:${info?.ctimeMs}`;
    });
    return (await Promise.all(stamps)).join("|");
  } catch (error) {
    if (isShortage(error)) throw error;
    const code = errorCode(error);
    // A listed name that is not UTF-8 was decoded with replacement characters, and leads nowhere.
    if (code === "ENOENT" && folder.includes("\uFFFD")) return "unreadable: name";
    const isLink = async () => (await lstat(folder).catch(() => null))?.isSymbolicLink() ?? false;
    if (code === "ENOTDIR" || (code === "ENOENT" && !(await isLink()))) return null;
    return `unreadable: ${code}`;
  }
}
