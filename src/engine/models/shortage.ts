/** Tells errors of a machine that lacks something just now from errors of a model: the same model may load a minute later. */

/** Of system calls. */
const CODES = new Set(["EMFILE", "ENFILE", "ENOMEM", "EAGAIN", "ENOBUFS"]);
/** Of ONNX Runtime and its execution providers, which give no codes. */
const TEXT = /bad_alloc|out of memory|failed to allocate|too many open files|cannot allocate/i;

/** Looks at the error's causes, too. */
export function isShortage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && CODES.has(String(error.code))) return true;
  return TEXT.test(error.message) || isShortage(error.cause);
}
