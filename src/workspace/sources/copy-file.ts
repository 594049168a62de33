/** Copies files of this machine with progress. Only regular files are read. */
import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { openRegularFile } from "../../engine/models/regular-file.ts";
import { CommandError } from "../failures.ts";
import type { Transfer } from "../progress.ts";
import { writeAll } from "../write-all.ts";

const CHUNK_BYTES = 2 ** 20;

/** Throws WorkerError for what is no regular file, CommandError for a file that changes its length meanwhile. */
export async function copyFile(
  from: string,
  to: string,
  { label, transfer, signal }: { label: string; transfer: Transfer; signal: AbortSignal },
): Promise<void> {
  await using source = await openRegularFile(from, label, Number.MAX_SAFE_INTEGER);
  await mkdir(dirname(to), { recursive: true });
  const target = await open(to, "w");
  try {
    const chunk = new Uint8Array(CHUNK_BYTES);
    let length = 0;
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await source.handle.read(chunk, 0, CHUNK_BYTES, length);
      if (bytesRead === 0) break;
      await writeAll(target, chunk.subarray(0, bytesRead), length);
      length += bytesRead;
      transfer.advance(bytesRead);
    }
    if (length !== source.size)
      throw new CommandError(`${label} changed while it was copied: wait until it is complete`);
  } finally {
    await target.close();
  }
}
