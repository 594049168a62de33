/** Lists what a stream can show in place of its model's pictures: the built-in fallbacks, and the operator's pictures. */
import { readdir } from "node:fs/promises";
import { extname, join } from "node:path";

/** A slate of ours, the frames of the input, and the last output picture. */
export const FALLBACKS = ["default", "passthrough", "hold"] as const;
export type BuiltInFallback = (typeof FALLBACKS)[number];

/** The first wins where files differ in their extension alone. */
const EXTENSIONS = [".png", ".jpg", ".jpeg", ".webp"];

/** Characters of a picture's name. */
export const MAX_FALLBACK_NAME = 64;

export const isBuiltInFallback = (name: string): name is BuiltInFallback =>
  FALLBACKS.some((each) => each === name);

/**
 * The paths of the pictures in the workspace's folder `fallbacks`, by their names without extension, in alphabetical
 * order; none without the folder. Files that are named as built-in ones are left out.
 */
export async function fallbackPictures(workspace: string): Promise<ReadonlyMap<string, string>> {
  const folder = join(workspace, "fallbacks");
  const files = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const pictures = files
    .map((file) => ({ file, extension: extname(file).toLowerCase() }))
    .map(({ file, extension }) => ({
      path: join(folder, file),
      name: file.slice(0, file.length - extension.length),
      rank: EXTENSIONS.indexOf(extension),
    }))
    .filter(
      ({ name, rank }) =>
        rank >= 0 &&
        name.length <= MAX_FALLBACK_NAME &&
        !name.startsWith(".") &&
        !isBuiltInFallback(name),
    )
    .toSorted((a, b) => (a.name === b.name ? a.rank - b.rank : a.name < b.name ? -1 : 1));
  const paths = new Map<string, string>();
  for (const { name, path } of pictures) if (!paths.has(name)) paths.set(name, path);
  return paths;
}
