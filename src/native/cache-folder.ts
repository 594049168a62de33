/** Finds the folders that may hold unpacked native libraries. Code is loaded from them, so another user's are never used. */
import { accessSync, constants, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

const PROGRAM = "comfystream-byoc";
const WRITABLE_BY_OTHERS = 0o022;

/** In the order in which they are tried: the user's cache folder, then a private one under the temporary folder. */
export function cacheFolders(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string[] {
  const home = env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return [join(home, PROGRAM), join(tmpdir(), `${PROGRAM}-${process.getuid?.() ?? "user"}`)];
}

/** Creates the folder if it is missing. Throws if that fails, or if another user could put code into it. */
export function claimFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!isTrusted(folder)) throw new Error("it belongs to another user or others may write to it");
}

/** Throws if the folder's file system is mounted noexec. The folder must be writable. */
export function refuseNoexec(folder: string): void {
  const trial = join(folder, "trial");
  writeFileSync(trial, "", { mode: 0o700 });
  const allowed = allowsCode(trial);
  rmSync(trial);
  if (!allowed)
    throw new Error("its file system is mounted noexec, so no library can be loaded from it");
}

/** False if the file system of `file` is mounted noexec, where the linker maps no library. */
export function allowsCode(file: string): boolean {
  const { uid, mode } = statSync(file);
  const executable = uid === process.getuid?.() ? constants.S_IXUSR : constants.S_IXOTH;
  if ((mode & executable) === 0) return true; // unknown: access(2) would refuse it for its mode
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // access(2): EACCES for a regular file on such a mount, for root too
  }
}

/** True if only this user or root can change what the folder holds. */
export function isTrusted(folder: string): boolean {
  const { uid, mode } = statSync(folder);
  const own = process.getuid?.() ?? 0;
  return (uid === own || uid === 0) && (mode & WRITABLE_BY_OTHERS) === 0;
}
