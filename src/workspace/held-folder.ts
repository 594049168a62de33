/** A folder that one process holds at a time. The hold ends with the process, however it ends. */
import { dlopen, FFIType } from "bun:ffi";
import { randomUUID } from "node:crypto";
import { closeSync, fstatSync, mkdirSync, openSync, statSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { CommandError } from "./failures.ts";

const LOCK = "lock";
/** Each attempt fails only if another process removed the folder in between. */
const ATTEMPTS = 10;
/** flock(2), from sys/file.h. */
const LOCK_EX_NB = 2 | 4;

export interface HeldFolder {
  readonly path: string;
  /** Ends the hold; what is in the folder stays. */
  release(): Promise<void>;
  /** Deletes the folder and ends the hold. */
  remove(): Promise<void>;
}

/**
 * Makes the folder and holds it; null while another holder has it. The kernel drops the lock when its process dies, so that
 * there is no stale one, also where processes of several containers share a volume.
 */
export async function holdFolder(path: string): Promise<HeldFolder | null> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const file = openLock(path);
    if (file === null) continue;
    if (!flock(file)) {
      closeSync(file);
      return null;
    }
    // Locked after its last holder had removed it: another folder may be there now.
    const present = statSync(join(path, LOCK), { throwIfNoEntry: false });
    if (fstatSync(file).ino === present?.ino) return held(path, file);
    closeSync(file);
  }
  return null;
}

/** Null where a holder has just removed the folder. */
function openLock(path: string): number | null {
  try {
    mkdirSync(path, { recursive: true });
    return openSync(join(path, LOCK), "a");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code === "ENOENT") return null;
    // mkdir fails so, too, when the folder vanishes under it.
    if (code === "EEXIST" && statSync(path, { throwIfNoEntry: false })?.isFile() !== true)
      return null;
    throw error;
  }
}

function held(path: string, file: number): HeldFolder {
  return {
    path,
    release: async () => {
      await rm(join(path, LOCK), { force: true });
      closeSync(file);
    },
    remove: async () => {
      // Under another name, it is no longer found by others while it is emptied.
      const removed = `${path}-${randomUUID()}`;
      await rename(path, removed);
      await rm(removed, { recursive: true, force: true });
      closeSync(file);
    },
  };
}

/** Takes an exclusive lock that belongs to the open file; false where another open file has it. */
function flock(file: number): boolean {
  const library = process.platform === "darwin" ? "libSystem.B.dylib" : "libc.so.6";
  try {
    const { symbols, close } = dlopen(library, {
      flock: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
    });
    const result = symbols.flock(file, LOCK_EX_NB);
    close();
    return result === 0;
  } catch (error) {
    throw new CommandError(`files cannot be locked: ${library} has no flock`, { cause: error });
  }
}
