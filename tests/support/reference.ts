/** Reads the reference numbers that every clone has: `tests/reference/<name>.json`, described in its README. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The content of a file, whose form the caller knows; `absent` where there is no such file. */
export function readReference<T>(name: string, absent?: T): T {
  const path = join(import.meta.dir, `../reference/${name}.json`);
  if (absent !== undefined && !existsSync(path)) return absent;
  return JSON.parse(readFileSync(path, "utf8")) as T;
}
