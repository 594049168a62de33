/** Opens regular files of a workspace with a size limit, and never blocks on a pipe, a device or a link loop. */
import { constants, type Stats } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { reason, WorkerError } from "../../errors.ts";

/** An open regular file. The owner disposes it. */
export interface RegularFile extends AsyncDisposable {
  readonly handle: FileHandle;
  /** In bytes, at the time it was opened. */
  readonly size: number;
}

/**
 * Opens a regular file for reading. Links are followed, also out of the workspace: operators link large files in.
 * Throws `model_failed` with a sentence about the file for everything else, and for more than `maxBytes`.
 *
 * @param label how the error message names the file
 */
export async function openRegularFile(
  path: string,
  label: string,
  maxBytes: number,
): Promise<RegularFile> {
  const handle = await translated(label, async () => {
    requireRegular(await stat(path), label);
    // The file may have been replaced since: without O_NONBLOCK, opening a pipe waits for its writer.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  });
  try {
    const info = await handle.stat();
    requireRegular(info, label);
    if (info.size > maxBytes) {
      const sizes = `is ${formatBytes(info.size)}; the limit is ${formatBytes(maxBytes)}`;
      throw new WorkerError("model_failed", `${label} ${sizes}`);
    }
    return { handle, size: info.size, [Symbol.asyncDispose]: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** All bytes of a regular file. Throws as `openRegularFile` does, and for a file that shrinks while it is read. */
export async function readRegularFile(
  path: string,
  label: string,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  await using file = await openRegularFile(path, label, maxBytes);
  const bytes = new Uint8Array(file.size);
  await translated(label, async () => {
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = await file.handle.read(bytes, at, bytes.length - at, at);
      if (bytesRead === 0) throw new Error("it became shorter while it was read");
      at += bytesRead;
    }
  });
  return bytes;
}

/** The kind of a directory entry in error messages; null for a regular file. */
function irregularKind(info: Stats): string | null {
  if (info.isFile()) return null;
  if (info.isDirectory()) return "a directory";
  if (info.isFIFO()) return "a named pipe";
  if (info.isSocket()) return "a socket";
  return "a device";
}

function requireRegular(info: Stats, label: string): void {
  const kind = irregularKind(info);
  if (kind === null) return;
  throw new WorkerError("model_failed", `${label} is ${kind}: put a regular file in its place`);
}

/** Why a file or folder cannot be read, as the predicate of a sentence about it. */
export function describeFileError(error: unknown): string {
  return FILE_ERRORS[errorCode(error)] ?? `cannot be read: ${reason(error)}`;
}

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "is missing",
  ENOTDIR: "is not a directory, or not inside one",
  ELOOP: "is a link that leads back to itself",
  EACCES: "cannot be read: permission denied",
  EPERM: "cannot be read: permission denied",
};

async function translated<T>(label: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof WorkerError) throw error;
    throw new WorkerError("model_failed", `${label} ${describeFileError(error)}`, { cause: error });
  }
}

/** A size for people: `12.3 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes >= 2 ** 30) return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  return bytes >= 2 ** 20 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${bytes} bytes`;
}

/** Such as `ENOENT`; `unknown` for an error without one. */
export const errorCode = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "unknown";
