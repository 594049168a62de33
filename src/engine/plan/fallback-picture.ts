/** Reads and decodes the operator's pictures that streams show as fallbacks. */
import { basename } from "node:path";
import { reason, toPlainError, WorkerError } from "../../errors.ts";
import { decodeImage } from "../codec/image-file.ts";
import type { Frame } from "../codec/libav.ts";
import { readRegularFile } from "../models/regular-file.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import { fallbackPictures, isBuiltInFallback } from "../protocol/fallbacks.ts";

const MAX_FILE_BYTES = 64 * 2 ** 20;
const DECODE_MS = 20_000;

/** The picture of this name, owned by the caller. Throws `invalid_request` naming the field `fallback`. */
export async function decodeFallback(
  workspace: string,
  name: string,
  calls: NativeCalls,
): Promise<Frame> {
  const path = (await fallbackPictures(workspace)).get(name);
  if (path === undefined) throw refused(name, "which is not in the workspace's folder fallbacks");
  const file = basename(path);
  try {
    const bytes = await readRegularFile(path, file, MAX_FILE_BYTES);
    using _call = calls.begin("decode", DECODE_MS);
    return await decodeImage(bytes);
  } catch (error) {
    const { details } = toPlainError(error);
    const why = details?.[0] === undefined ? reason(error) : `${file} ${details[0].problem}`;
    throw refused(name, `which cannot be shown: ${why}`, error);
  }
}

/** Throws `invalid_request` naming the field `fallback` where a stream could not show its fallback. */
export async function checkFallback(
  workspace: string,
  name: string | undefined,
  calls: NativeCalls,
): Promise<void> {
  if (name === undefined || isBuiltInFallback(name)) return;
  (await decodeFallback(workspace, name, calls)).free();
}

function refused(name: string, why: string, cause?: unknown): WorkerError {
  const problem = `names the picture ${name}, ${why}`;
  const details = [{ field: "fallback", problem }];
  return new WorkerError("invalid_request", `fallback ${problem}`, { cause, details });
}
