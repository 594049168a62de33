/**
 * Combines the ONNX Runtime of the binary with GPU provider libraries of the operator's. ONNX Runtime loads its providers from
 * the folder of libonnxruntime.so.1, so all must seem to lie in one.
 */
import { mkdtempSync, readdirSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { reason } from "../errors.ts";
import { cacheFolders, claimFolder } from "./cache-folder.ts";

const LIBRARY = /^lib.*\.so(\.|$)|\.node$/;

/** True if the folder holds any library of ONNX Runtime, such as libonnxruntime_providers_cuda.so. */
export const holdsOnnxRuntime = (folder: string): boolean =>
  librariesOf(folder).some((name) => name.startsWith("libonnxruntime"));

/**
 * A folder of links, made once in the cache, to the libraries of `operators` and to those of `ours` that it lacks. Its name
 * changes with what `operators` holds.
 */
export function combinedFolder(
  ours: string,
  operators: string,
  caches: readonly string[] = cacheFolders(),
): string {
  const theirs = librariesOf(operators);
  const listing = theirs.map((name) => {
    const { size, mtimeMs } = statSync(join(operators, name));
    return `${name} ${size} ${mtimeMs}`;
  });
  const parts = [resolve(ours), resolve(operators), ...listing];
  const hash = new Bun.CryptoHasher("sha256").update(parts.join("\n")).digest("hex");
  const failures: string[] = [];
  for (const cache of caches) {
    const folder = join(cache, `onnxruntime-${hash.slice(0, 16)}`);
    try {
      claimFolder(cache);
      if (!isFolder(folder)) linkAll(folder, ours, operators);
      return folder;
    } catch (error) {
      failures.push(`${cache}: ${reason(error)}`);
    }
  }
  throw new Error(
    `no folder can hold links to ${operators}: ${failures.join("; ")}; set XDG_CACHE_HOME to a writable folder`,
  );
}

function linkAll(folder: string, ours: string, operators: string): void {
  const fresh = mkdtempSync(`${folder}.`);
  try {
    const theirs = librariesOf(operators);
    for (const name of theirs) symlinkSync(resolve(operators, name), join(fresh, name));
    for (const name of librariesOf(ours))
      if (!theirs.includes(name)) symlinkSync(resolve(ours, name), join(fresh, name));
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!isFolder(folder)) throw error; // otherwise another process was first
  }
}

function librariesOf(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => LIBRARY.test(name));
  } catch {
    return []; // no such folder
  }
}

const isFolder = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
