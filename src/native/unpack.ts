/**
 * Unpacks the native libraries of the compiled binary to a cache folder, once for all processes of a user. The folder's name
 * changes with the content, and it appears complete: it is written under another name and renamed.
 */
import { existsSync, statSync } from "node:fs";
import { mkdtemp, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { reason } from "../errors.ts";
import { writeAll } from "../workspace/write-all.ts";
import { allowsCode, cacheFolders, claimFolder, isTrusted, refuseNoexec } from "./cache-folder.ts";
import { type EmbeddedLibraries, type EmbeddedLibrary, FRAME_BYTES } from "./embedded.ts";

/** Frames that are decompressed at a time: each takes 16 MiB. */
const AT_A_TIME = 3;
/** Folders of other versions, and leftovers of an unpacking that was killed, are removed when unused for this long. */
const UNUSED_MS = 30 * 24 * 3600_000;
const FOLDER = /^(native|onnxruntime)-[0-9a-f]{16}(\.|$)/;

class DamagedProgram extends Error {
  constructor(library: string, cause: unknown) {
    super(
      `this program's file is damaged: ${library} in it cannot be decompressed; copy it again and compare its checksum`,
      { cause },
    );
  }
}

/** The folder that holds all libraries, by their names and sizes, and may load them; null if none of `folders` does. */
export function unpackedFolder(
  { key, libraries }: EmbeddedLibraries,
  folders: readonly string[] = cacheFolders(),
): string | null {
  const candidates = folders.map((folder) => join(folder, `native-${key}`));
  return candidates.find((folder) => isComplete(folder, libraries)) ?? null;
}

/** Returns the folder of the libraries, and unpacks them to the first of `folders` that takes them if there is none. */
export async function unpack(
  embedded: EmbeddedLibraries,
  folders: readonly string[] = cacheFolders(),
): Promise<string> {
  const ready = unpackedFolder(embedded, folders);
  if (ready !== null) {
    const now = new Date();
    await utimes(ready, now, now).catch(() => undefined); // a read-only cache keeps its folders anyway
    return ready;
  }
  const failures: string[] = [];
  for (const folder of folders) {
    try {
      claimFolder(folder);
      const unpacked = await unpackTo(join(folder, `native-${embedded.key}`), embedded.libraries);
      await removeUnused(folder, unpacked);
      return unpacked;
    } catch (error) {
      if (error instanceof DamagedProgram) throw error; // no other folder would help
      failures.push(`${folder}: ${explain(error)}`);
    }
  }
  const megabytes = Math.ceil(totalBytes(embedded) / 1e6);
  throw new Error(
    `the native libraries (${megabytes} MB) cannot be unpacked:\n  ${failures.join("\n  ")}\n` +
      "set XDG_CACHE_HOME to a writable folder with that much space, on a file system that is not mounted noexec",
  );
}

async function unpackTo(folder: string, libraries: readonly EmbeddedLibrary[]): Promise<string> {
  const fresh = await mkdtemp(`${folder}.`);
  try {
    refuseNoexec(fresh);
    for (const library of libraries) await writeLibrary(join(fresh, library.name), library);
    if (existsSync(folder) && !isComplete(folder, libraries))
      await rename(folder, `${fresh}.damaged`);
    await rename(fresh, folder);
  } catch (error) {
    if (!isComplete(folder, libraries)) throw error; // otherwise another process was first
  } finally {
    await rm(fresh, { recursive: true, force: true });
    await rm(`${fresh}.damaged`, { recursive: true, force: true });
  }
  return folder;
}

/** Each frame carries a checksum of its content, which decompression compares. */
async function writeLibrary(path: string, { frames, bytes }: EmbeddedLibrary): Promise<void> {
  await using file = await open(path, "wx", 0o700);
  const rest = frames.entries();
  const writeFrames = async () => {
    for (const [n, frame] of rest) {
      const packed = await Bun.file(frame).bytes();
      const content = await Bun.zstdDecompress(packed).catch((cause: unknown) => {
        throw new DamagedProgram(basename(path), cause);
      });
      await writeAll(file, content, n * FRAME_BYTES);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, writeFrames));
  // After a power cut the folder must not be there with empty files in it.
  await file.datasync();
  const { size } = await file.stat();
  if (size !== bytes) throw new Error(`${basename(path)} has ${size} bytes instead of ${bytes}`);
}

function isComplete(folder: string, libraries: readonly EmbeddedLibrary[]): boolean {
  try {
    return (
      isTrusted(dirname(folder)) &&
      isTrusted(folder) &&
      libraries.every(({ name, bytes }) => statSync(join(folder, name)).size === bytes) &&
      libraries.every(({ name }) => allowsCode(join(folder, name)))
    );
  } catch {
    return false; // something is missing
  }
}

/** The unpacked libraries whose content is not what was embedded, which a look at their sizes does not show. */
export async function damagedLibraries(
  { libraries }: EmbeddedLibraries,
  folder: string,
): Promise<string[]> {
  const damaged: string[] = [];
  for (const { name, sha256 } of libraries) {
    const hash = new Bun.CryptoHasher("sha256");
    for await (const chunk of Bun.file(join(folder, name)).stream()) hash.update(chunk);
    if (hash.digest("hex") !== sha256) damaged.push(name);
  }
  return damaged;
}

/** Unpacks the libraries of these names again, each under another name first: a process may have mapped the old file. */
export async function replaceDamaged(
  { libraries }: EmbeddedLibraries,
  folder: string,
  names: readonly string[],
): Promise<void> {
  const fresh = await mkdtemp(`${folder}.`);
  try {
    for (const library of libraries.filter(({ name }) => names.includes(name))) {
      const path = join(fresh, library.name);
      await writeLibrary(path, library);
      await rename(path, join(folder, library.name));
    }
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function removeUnused(cache: string, used: string): Promise<void> {
  const names = (await readdir(cache)).filter((name) => FOLDER.test(name));
  for (const path of names.map((name) => join(cache, name))) {
    if (path === used) continue;
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (Date.now() - mtimeMs > UNUSED_MS) await rm(path, { recursive: true, force: true });
  }
}

export const totalBytes = ({ libraries }: EmbeddedLibraries): number =>
  libraries.reduce((sum, { bytes }) => sum + bytes, 0);

const PLAIN: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the quota of the disk is used up",
  EROFS: "the file system is read-only",
  EACCES: "it may not be written to",
  EPERM: "it may not be written to",
  ENOTDIR: "a part of the path is a file",
};

function explain(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return PLAIN[code] ?? reason(error);
}
