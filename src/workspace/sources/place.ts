/** Puts a finished download where it belongs, and leaves it among the downloads until the model is complete. */
import { link, mkdir, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** The second name costs no space; on file systems without such names the download is moved. */
export async function placeDownload(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await link(from, to).catch(() => rename(from, to));
}
