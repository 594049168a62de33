/** Checks that files fit on the disk before they are written. */
import { statfs } from "node:fs/promises";
import { formatBytes } from "../engine/models/regular-file.ts";
import { CommandError } from "./failures.ts";

/** Left for everything else on the disk. */
const RESERVE_BYTES = 64 * 2 ** 20;

/** Throws CommandError if `bytes` more do not fit where `folder` is. */
export async function requireFreeSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize - RESERVE_BYTES;
  if (bytes <= free) return;
  const shown = folder.replace(/\/\.partial\/.*$/, "");
  throw new CommandError(
    `not enough space in ${shown}: ${formatBytes(bytes)} are needed and ${formatBytes(Math.max(0, free))} are free; ` +
      "make room, or choose another --workspace",
  );
}
