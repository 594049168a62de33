/** Splits an argument into a path of this machine and what a colon adds to it: the path of a file inside. */
import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";

export interface LocalPath {
  /** Absolute. */
  readonly path: string;
  readonly info: Stats;
  readonly inside: string | null;
}

/** Null where no part of the argument before a colon exists. A path that exists as a whole wins: names may have colons. */
export async function findLocalPath(argument: string): Promise<LocalPath | null> {
  for (let end = argument.length; end > 0; end = argument.lastIndexOf(":", end - 1)) {
    const path = resolve(argument.slice(0, end));
    const info = await stat(path).catch(() => null);
    const inside = argument.slice(end + 1);
    if (info !== null) return { path, info, inside: inside === "" ? null : inside };
  }
  return null;
}
