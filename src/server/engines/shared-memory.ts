/** Makes memory that a child process inherits as an open file, and that leaves nothing behind when both processes are killed. */
import { closeSync, ftruncateSync, openSync, unlinkSync } from "node:fs";
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

/** Null where no folder for temporary files can be written to: a read-only container without `/tmp` or `/dev/shm`. */
export function sharedMemory(byteLength: number): SharedMemory | null {
  for (const folder of [tmpdir(), "/dev/shm"]) {
    try {
      return open(join(folder, `comfystream-byoc-${crypto.randomUUID()}`), byteLength);
    } catch (error) {
      log.debug("no shared memory there", { folder, error: reason(error) });
    }
  }
  return null;
}

function open(path: string, byteLength: number): SharedMemory {
  const fd = openSync(path, "wx+", 0o600);
  try {
    unlinkSync(path);
    ftruncateSync(fd, byteLength);
    const bytes = Bun.mmap(`/proc/self/fd/${fd}`, { shared: true });
    return { bytes, fd, [Symbol.dispose]: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
