/** Makes memory that a child process inherits as an open file, and that leaves nothing behind when both processes are killed. */
import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reason } from "../../errors.ts";
import { getLogger } from "../../log.ts";

const log = getLogger("engine");

/** Memory mapped from an unlinked file. */
export interface SharedMemory extends Disposable {
  readonly bytes: Uint8Array;
  /** To be passed to a child, which maps it through `/proc/self/fd`. Closed by dispose. */
  readonly fd: number;
}

/**
 * Null where no folder for temporary files has room: a full disk, or a read-only container without `/dev/shm` or `/tmp`.
 */
export function sharedMemory(
  byteLength: number,
  folders: readonly string[] = ["/dev/shm", tmpdir()],
): SharedMemory | null {
  for (const folder of folders) {
    try {
      return open(join(folder, `comfystream-byoc-${crypto.randomUUID()}`), byteLength);
    } catch (error) {
      log.debug("no shared memory there", { folder, error: reason(error) });
    }
  }
  log.warn("an engine's calls cannot be watched: free some space in one of these folders", {
    folders,
  });
  return null;
}

function open(path: string, byteLength: number): SharedMemory {
  const fd = openSync(path, "wx+", 0o600);
  try {
    unlinkSync(path);
    // A file that is only made longer has no pages yet. On a full disk, touching one ends the process by SIGBUS.
    if (writeSync(fd, new Uint8Array(byteLength)) < byteLength) throw new Error("the disk is full");
    const bytes = Bun.mmap(`/proc/self/fd/${fd}`, { shared: true });
    return { bytes, fd, [Symbol.dispose]: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
