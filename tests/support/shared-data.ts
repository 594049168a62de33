/** Finds real clips and models in the folder beside the project; tests that need them skip with a reason if it is absent. */
import { existsSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../../../shared/data");

/** Absolute path of a file or folder of the shared data; null if it is absent. */
export function sharedData(path: string): string | null {
  const full = join(root, path);
  return existsSync(full) ? full : null;
}
