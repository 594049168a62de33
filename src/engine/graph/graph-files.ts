/** Looks up the names in a graph: model folders by base name, pictures and latents by their path in the workspace. */
import { type FolderContent, folderFault } from "./folder-content.ts";
import { type FileKind, isPlainFile } from "./input-declaration.ts";

export interface GraphFiles {
  /** All names of a kind that can be used, for menus and messages. */
  list(kind: FileKind): readonly string[];
  /** The file or folder that `name` means, whatever the folder holds; null where there is none. */
  find(kind: FileKind, name: string): string | null;
  /** What the model folder with this listed name holds; undefined where that is not known. */
  content(name: string): FolderContent | undefined;
}

const EXTENSION = /\.(safetensors|sft|ckpt|pt|pth|bin|gguf|onnx|engine|plan)$/;
/** What ComfyUI's TensorRT nodes add to the name of a model when they build it for certain sizes. */
const BUILT_ENGINE = /^(?:static|dynamic)-(.+)_[^_]+_\$(?:stat|dyn)-.*$/;
/** ComfyUI appends the folder of a file to its name. */
export const IN_FOLDER = /^(.*) \[(input|output)\]$/s;

/** Models are found by base name, without regard to case and extension; other files by their exact name. */
export function namedFiles(
  lists: Readonly<Partial<Record<FileKind, readonly string[]>>>,
  contents: ReadonlyMap<string, FolderContent> = new Map(),
): GraphFiles {
  const list = (kind: FileKind): readonly string[] => lists[kind] ?? [];
  const canBe = (kind: FileKind, name: string): boolean => {
    const content = contents.get(name);
    return content === undefined || folderFault(kind, content) === null;
  };
  return {
    list: (kind) => list(kind).filter((name) => canBe(kind, name)),
    content: (name) => contents.get(name),
    find(kind, name) {
      if (!isPlainFile(kind)) return findModel(list(kind), name);
      const [, plain, folder] = IN_FOLDER.exec(name) ?? [];
      if (plain === undefined) return exact(list(kind), name);
      if (kind === "latent") return exact(list(kind), plain);
      return exact(list(folder === "input" ? "image" : "output_image"), plain);
    },
  };
}

const exact = (names: readonly string[], name: string): string | null =>
  names.includes(name) ? name : null;

function findModel(names: readonly string[], name: string): string | null {
  const base = baseName(name);
  const wanted = [base, BUILT_ENGINE.exec(base)?.[1]];
  for (const one of wanted) {
    const found = one === undefined ? undefined : names.find((known) => baseName(known) === one);
    if (found !== undefined) return found;
  }
  return null;
}

const baseName = (path: string): string =>
  (path.split(/[\\/]/).at(-1) ?? "").toLowerCase().replace(EXTENSION, "");
