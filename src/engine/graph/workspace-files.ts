/** Lists what graphs may name in a workspace: its model folders, and the pictures and latents in `input` and `output`. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { FolderContent } from "./folder-content.ts";
import { type GraphFiles, IN_FOLDER, namedFiles } from "./graph-files.ts";

const PICTURE = /\.(png|jpe?g|webp)$/i;
const LATENT = /\.latent$/;

/**
 * The path of a picture or latent that a graph names. ComfyUI appends the folder to a name that is not in `input`. Null for
 * one that the folder does not hold: a linked text could lead anywhere.
 */
export async function pathOf(workspace: string, name: string): Promise<string | null> {
  const [, plain = name, place] = IN_FOLDER.exec(name) ?? [];
  for (const folder of place === undefined ? ["input", "output"] : [place]) {
    const path = join(workspace, folder);
    if ((await filesIn(path)).includes(plain)) return join(path, plain);
  }
  return null;
}

/**
 * @param models names of model folders: any of them may hold any part
 * @param contents what is known of them
 */
export async function workspaceFiles(
  workspace: string,
  models: readonly string[],
  contents?: ReadonlyMap<string, FolderContent>,
): Promise<GraphFiles> {
  const [input, output] = await Promise.all([
    filesIn(join(workspace, "input")),
    filesIn(join(workspace, "output")),
  ]);
  const lists = {
    checkpoint: models,
    diffusion_model: models,
    text_encoder: models,
    vae: models,
    controlnet: models,
    depth_model: models,
    model: models,
    image: input.filter((name) => PICTURE.test(name)),
    output_image: output.filter((name) => PICTURE.test(name)),
    latent: input.filter((name) => LATENT.test(name)),
  };
  return namedFiles(lists, contents);
}

/** Names relative to the folder, those in folders of it included; none where it is missing. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true }).catch(() => []);
  return entries.map((name) => name.replaceAll("\\", "/")).sort();
}
