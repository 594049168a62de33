/** A source: a folder of this machine, e.g. a clone of a repository or an unpacked archive. */
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { UsageError } from "../failures.ts";
import { offerLocalFiles } from "./local-files.ts";
import { findLocalPath } from "./local-path.ts";
import type { OfferedFile, Source } from "./source.ts";

/** Deeper or larger folders are not one model's. */
const MAX_DEPTH = 8;
const MAX_FILES = 20_000;

export const folder: Source = {
  syntax: "folder[:path]",
  locate: async (argument) => {
    const found = await findLocalPath(argument);
    if (!found?.info.isDirectory()) return null;
    const { path, inside } = found;
    return {
      key: null,
      inside,
      open: async (context) => {
        if (context.checksum)
          throw new UsageError("--sha256 is the checksum of a file, and this is a folder");
        const files: OfferedFile[] = [];
        await list(path, "", files);
        const name = basename(path);
        return offerLocalFiles(
          { folder: path, label: `folder ${name}`, title: name, files },
          context,
        );
      },
    };
  },
};

/** Adds regular files, also behind links to them; hidden entries and links to folders are left out. */
async function list(root: string, below: string, files: OfferedFile[]): Promise<void> {
  if (below.split("/").length > MAX_DEPTH) return;
  for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
    const path = `${below}${entry.name}`;
    if (entry.name.startsWith(".") || files.length >= MAX_FILES) continue;
    if (entry.isDirectory()) await list(root, `${path}/`, files);
    const info =
      entry.isFile() || entry.isSymbolicLink()
        ? await stat(join(root, path)).catch(() => null)
        : null;
    if (info?.isFile()) files.push({ path, size: info.size });
  }
}
