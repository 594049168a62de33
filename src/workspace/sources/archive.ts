/** A source: an archive of this machine (zip, wheel, tar, tar.gz). */
import { basename } from "node:path";
import { whatItIs } from "../../engine/models/file-kind.ts";
import { type ArchiveKind, archiveKind, openArchive } from "../archive/open-archive.ts";
import { requireChecksum } from "../checksum.ts";
import { requireFreeSpace } from "../free-space.ts";
import { stemOf } from "../layout.ts";
import { findLocalPath } from "./local-path.ts";
import { findIn, type Offer, type Source, type SourceContext } from "./source.ts";

export const archive: Source = {
  syntax: "archive.zip|.whl|.tar|.tgz[:path]",
  locate: async (argument) => {
    const found = await findLocalPath(argument);
    const kind = found?.info.isFile() ? await archiveKind(found.path) : null;
    if (found === null || kind === null) return null;
    const { path, inside } = found;
    return {
      key: null,
      inside,
      open: async (context) => {
        const label = basename(path);
        if (context.checksum) await requireChecksum(path, label, context.checksum);
        return await offerArchive({ path, kind, label }, context);
      },
    };
  },
};

/** Offers the files of an archive, which may have been downloaded. Throws Unusable for one that must not be unpacked. */
export async function offerArchive(
  { path, kind, label }: { path: string; kind: ArchiveKind; label: string },
  { staging, progress, signal }: SourceContext,
): Promise<Offer> {
  const reader = await openArchive(path, kind, { label, signal });
  const what = await whatItIs(path);
  return {
    label,
    title: stemOf(label),
    files: reader.files,
    license: null,
    // A checkpoint of PyTorch is a zip as well. The advice for archives in general is to do what is being done here.
    kind: what?.includes("models add") ? null : what,
    find: async (inside) => findIn(reader.files, inside),
    fetch: async (wanted) => {
      const total = wanted.reduce((sum, { file }) => sum + (file.size ?? 0), 0);
      await requireFreeSpace(staging.model, total);
      const names = wanted.length === 1 ? (wanted[0]?.file.path ?? "") : `${wanted.length} files`;
      const transfer = progress.start(`unpacking ${names}`, total);
      try {
        await reader.extract(wanted, transfer, signal);
      } finally {
        transfer.end();
      }
    },
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}
