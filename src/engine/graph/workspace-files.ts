/** Lists what graphs may name in a workspace: its model folders, and the pictures and latents in `input` and `output`. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type GraphFiles, namedFiles } from "./graph-files.ts";

const PICTURE = /\.(png|jpe?g|webp)$/i;
const LATENT = /\.latent$/;

/** Where pictures and latents lie that graphs load. */
export const inputFolder = (workspace: string): string => join(workspace, "input");
const outputFolder = (workspace: string): string => join(workspace, "output");

/** @param models names of model folders: any of them may hold any part */
export async function workspaceFiles(
  workspace: string,
  models: readonly string[],
): Promise<GraphFiles> {
  const [input, output] = await Promise.all([
    filesIn(inputFolder(workspace)),
    filesIn(outputFolder(workspace)),
  ]);
  return namedFiles({
    ...{ checkpoint: models, diffusion_model: models, text_encoder: models, vae: models },
    ...{ controlnet: models, depth_model: models, model: models },
    image: input.filter((name) => PICTURE.test(name)),
    output_image: output.filter((name) => PICTURE.test(name)),
    latent: input.filter((name) => LATENT.test(name)),
  });
}

/** Names relative to the folder, those in folders of it included; none where it is missing. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true }).catch(() => []);
  return entries.map((name) => name.replaceAll("\\", "/")).sort();
}
