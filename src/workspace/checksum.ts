/** Checksums of files: SHA-256, as sites publish it and Git LFS names files by, and the id of a blob in git. */
import { createHash } from "node:crypto";
import { formatBytes } from "../engine/models/regular-file.ts";
import { Unusable } from "./failures.ts";

/** `git-blob`: the SHA-1 over a header and the content, by which git names a file. */
export interface Checksum {
  readonly kind: "sha256" | "git-blob";
  /** In hexadecimal, lower case. */
  readonly value: string;
}

/** Throws Unusable unless the file has that checksum. */
export async function requireChecksum(
  path: string,
  label: string,
  wanted: Checksum,
): Promise<void> {
  const found = await checksumOf(path, wanted.kind);
  if (found === wanted.value) return;
  const name = wanted.kind === "sha256" ? "SHA-256" : "git blob id";
  const size = formatBytes(Bun.file(path).size);
  throw new Unusable(
    `${label} has the wrong checksum: its ${name} is ${found} (${size}), expected ${wanted.value}; ` +
      "it was changed on the way or at its source",
  );
}

async function checksumOf(path: string, kind: Checksum["kind"]): Promise<string> {
  const file = Bun.file(path);
  const hash = createHash(kind === "sha256" ? "sha256" : "sha1");
  if (kind === "git-blob") hash.update(`blob ${file.size}\0`);
  for await (const chunk of file.stream()) hash.update(chunk);
  return hash.digest("hex");
}
