/** Real clips and models that lie beside the project where it is developed; tests skip with a reason elsewhere. */
import { existsSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../../../shared/data");

/** Absolute path of a file or folder of the shared data, or null where there is none. */
export function sharedData(path: string): string | null {
  const full = join(root, path);
  return existsSync(full) ? full : null;
}
