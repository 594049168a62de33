/** Recognizes errors of a machine that is short of memory or file descriptors: the same model may load a minute later. */
import { shortageCode } from "../../machine-shortage.ts";

/** Messages of ONNX Runtime and its execution providers, which give no codes. */
const TEXT = /bad_alloc|out of memory|failed to allocate|too many open files|cannot allocate/i;

const FIRST_RETRY_MS = 10_000;
const LONGEST_RETRY_MS = 300_000;

/** How long to wait after so many shortages in a row: each try of a model that never fits takes memory from the others. */
export const shortageRetryMs = (inARow: number): number =>
  Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (inARow - 1));

/** Looks at the error's causes, too. */
export function isShortage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (shortageCode(error) !== null) return true;
  return TEXT.test(error.message) || isShortage(error.cause);
}
