/** The failures of commands on the workspace. Their messages are printed as they are, so they name the way out. */

/** What was asked for cannot be done; the program exits with 1. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
}

/** What was fetched is worth nothing, so that it is not kept for a later attempt. */
export class Unusable extends CommandError {
  override readonly name = "Unusable";
}

/** The command line is wrong; the program exits with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full: make room, or choose another --workspace",
  EDQUOT: "the disk quota is used up: make room, or choose another --workspace",
  ENOTDIR: "a file is where a folder should be",
};

/** A sentence about a failure of the file system, which names the path; null for other errors. */
export function describeSystemError(error: unknown): string | null {
  if (!(error instanceof Error && "code" in error)) return null;
  const sentence = SYSTEM_ERRORS[String(error.code)];
  if (sentence === undefined) return null;
  return "path" in error && error.path ? `${error.path}: ${sentence}` : sentence;
}
