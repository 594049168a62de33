/** Tells archives by their content, whatever their names, and opens them. */
import { open } from "node:fs/promises";
import type { ArchiveReader } from "./archive.ts";
import { openTar } from "./tar.ts";
import { openZip } from "./zip.ts";

const TAR_BLOCK = 512;
const TAR_MAGIC_AT = 257;
/** A first block of a tar compresses to less than this. */
const HEAD_BYTES = 8192;

export type ArchiveKind = "zip" | "tar" | "tar.gz";

/** Null for a file that is no archive, or of a kind that is not read here. */
export async function archiveKind(path: string): Promise<ArchiveKind | null> {
  const head = await readHead(path);
  if (startsWith(head, [0x50, 0x4b, 0x03, 0x04]) || startsWith(head, [0x50, 0x4b, 0x05, 0x06]))
    return "zip";
  if (isTar(head)) return "tar";
  return startsWith(head, [0x1f, 0x8b]) && isTar(await gunzipStart(head)) ? "tar.gz" : null;
}

/** Throws Unusable for an archive that is damaged or must not be unpacked. */
export async function openArchive(
  path: string,
  kind: ArchiveKind,
  { label, signal }: { label: string; signal: AbortSignal },
): Promise<ArchiveReader> {
  return kind === "zip" ? await openZip(path, label) : await openTar(path, { kind, label, signal });
}

const startsWith = (bytes: Uint8Array, magic: readonly number[]): boolean =>
  magic.every((byte, at) => bytes[at] === byte);

const isTar = (block: Uint8Array): boolean =>
  Buffer.from(block.subarray(TAR_MAGIC_AT, TAR_MAGIC_AT + 5)).toString("latin1") === "ustar";

async function readHead(path: string): Promise<Uint8Array<ArrayBuffer>> {
  await using file = await open(path);
  const bytes = new Uint8Array(HEAD_BYTES);
  const { bytesRead } = await file.read(bytes, 0, HEAD_BYTES, 0);
  return bytes.subarray(0, bytesRead);
}

/** As much of the first block as the compressed head has. */
async function gunzipStart(head: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    const content = new Blob([head]).stream().pipeThrough(new DecompressionStream("gzip"));
    for await (const chunk of content) {
      parts.push(chunk);
      length += chunk.length;
      if (length >= TAR_BLOCK) break;
    }
  } catch {
    // The head is cut in the middle, or it is no gzip after all: what came out until then decides.
  }
  return Buffer.concat(parts);
}
