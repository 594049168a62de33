/** Recognizes system calls that failed because the machine is short of files, memory or ports: a later try may succeed. */

const CODES = new Set(["EMFILE", "ENFILE", "ENOMEM", "EAGAIN", "ENOBUFS", "EADDRNOTAVAIL"]);

/** The code of the system call's error; null for other errors. */
export function shortageCode(error: unknown): string | null {
  if (!(error instanceof Error && "code" in error)) return null;
  const code = String(error.code);
  return CODES.has(code) ? code : null;
}
