/** Offers files of a folder on this machine. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { requireFreeSpace } from "../free-space.ts";
import { copyFile } from "./copy-file.ts";
import type { Offer, OfferedFile, SourceContext, Wanted } from "./source.ts";

export interface LocalFiles {
  readonly folder: string;
  readonly label: string;
  readonly title: string;
  readonly files: readonly OfferedFile[];
}

export function offerLocalFiles(
  { folder, label, title, files }: LocalFiles,
  { staging, progress, signal }: SourceContext,
): Offer {
  return {
    label,
    title,
    files,
    license: null,
    kind: null,
    find: async (path) => {
      const info = await stat(join(folder, path)).catch(() => null);
      return info === null ? null : { path, size: info.size };
    },
    fetch: async (wanted: readonly Wanted[]) => {
      const total = wanted.reduce((sum, { file }) => sum + (file.size ?? 0), 0);
      await requireFreeSpace(staging.model, total);
      for (const { file, to } of wanted) {
        const transfer = progress.start(file.path, file.size);
        try {
          await copyFile(join(folder, file.path), to, { label: file.path, transfer, signal });
        } finally {
          transfer.end();
        }
      }
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
