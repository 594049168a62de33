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

/** A file's name without folders and without the endings of models and archives. */
export const stemOf = (path: string): string =>
  (path.split("/").at(-1) ?? "").replace(/\.(onnx|zip|whl|tgz|tar\.gz|tar)$/i, "");

/** True for a path with a hidden part, and for what macOS adds to archives. */
export const isHidden = (path: string): boolean =>
  path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX");

/** Names that say nothing about the network. */
const GENERIC =
  /^(model|network|net|graph|decoder|encoder|unet|onnx|weights|best|last)([._-]?(fp16|fp32|int8|uint8|q4|q4f16|q8|bnb4|quantized|optimized|simplified|sim|opt))*$/i;

/** The name of a model: that of its file, or of its source where the file's name is one that many files have. */
export const defaultName = (file: string, title: string): string =>
  toModelName(GENERIC.test(stemOf(file)) ? title : stemOf(file));

/** The folder of a path in a source, with a slash at the end; empty at the top. */
export const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/") + 1);
