/** Reads zip archives and wheels: lists the central directory, and extracts with checks of sizes and CRC-32. */
import { constants, createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32 } from "node:zlib";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { reason } from "../../errors.ts";
import { Unusable } from "../failures.ts";
import type { Transfer } from "../progress.ts";
import type { Wanted } from "../sources/source.ts";
import {
  type ArchiveEntry,
  type ArchiveReader,
  EntryRules,
  entryPath,
  isFileError,
} from "./archive.ts";

/** Throws Unusable for a damaged archive, or one that breaks the rules for entries. */
export async function openZip(path: string, label: string): Promise<ArchiveReader> {
  const zip = await openPromise(path, { autoClose: false, strictFileNames: true }).catch(
    (error) => {
      throw damaged(label, error);
    },
  );
  try {
    const entries = await listEntries(zip, label);
    const files = [...entries].map(([name, entry]) => ({
      path: name,
      size: entry.uncompressedSize,
    }));
    return {
      files,
      extract: async (wanted, transfer, signal) => {
        for (const one of wanted) {
          const entry = entries.get(one.file.path);
          if (entry !== undefined) await extractEntry(zip, entry, { one, label, transfer, signal });
        }
      },
      [Symbol.asyncDispose]: async () => zip.close(),
    };
  } catch (error) {
    zip.close();
    throw error;
  }
}

async function listEntries(zip: ZipFile, label: string): Promise<Map<string, Entry>> {
  const rules = new EntryRules(label);
  const entries = new Map<string, Entry>();
  try {
    for await (const entry of zip.eachEntry()) {
      const kind = kindOf(entry);
      const path = entryPath(entry.fileName);
      rules.check({ path, kind });
      if (kind !== "file") continue;
      rules.checkRatio(`a file (${path})`, entry.uncompressedSize, entry.compressedSize);
      entries.set(path, entry);
    }
    return entries;
  } catch (error) {
    throw error instanceof Unusable ? error : damaged(label, error);
  }
}

/** By the Unix mode in the upper half of the external attributes; archives of other systems have none. */
function kindOf({ fileName, externalFileAttributes }: Entry): ArchiveEntry["kind"] {
  if (fileName.endsWith("/")) return "folder";
  const { S_IFMT, S_IFREG, S_IFLNK, S_IFDIR } = constants;
  switch ((externalFileAttributes >>> 16) & S_IFMT) {
    case 0:
    case S_IFREG:
      return "file";
    case S_IFLNK:
      return "link";
    case S_IFDIR:
      return "folder";
    default:
      return "special";
  }
}

interface Extraction {
  readonly one: Wanted;
  readonly label: string;
  readonly transfer: Transfer;
  readonly signal: AbortSignal;
}

async function extractEntry(zip: ZipFile, entry: Entry, extraction: Extraction): Promise<void> {
  const { one, label, transfer, signal } = extraction;
  const name = `${one.file.path} in ${label}`;
  if (entry.isEncrypted())
    throw new Unusable(`${name} is encrypted: unpack it yourself and add the folder`);
  await mkdir(dirname(one.to), { recursive: true });
  let sum = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sum = crc32(chunk, sum);
      transfer.advance(chunk.length);
      done(null, chunk);
    },
  });
  try {
    const content = await zip.openReadStreamPromise(entry);
    await pipeline(content, counted, createWriteStream(one.to), { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (isFileError(error)) throw error;
    throw damaged(name, error);
  }
  if (sum !== entry.crc32) throw damaged(name, new Error("its checksum is wrong"));
}

const damaged = (label: string, error: unknown): Unusable =>
  new Unusable(`${label} is damaged: ${reason(error)}; download it again`, { cause: error });
