/** Repairs the unpacked native libraries when engines cannot start: a damaged file of the right size is not seen before. */
import { reason } from "../errors.ts";
import { getLogger } from "../log.ts";
import { examineLibraries, replaceLibraries } from "./load-addon.ts";

const log = getLogger("native");

let repaired: Promise<readonly string[]> | null = null;

/**
 * Compares the unpacked libraries with what the binary embeds, and replaces those that differ. Returns their names. Happens once a
 * process, whoever asks. Never throws: what cannot be repaired is logged with the way out.
 */
export const repairLibraries = (): Promise<readonly string[]> => {
  repaired ??= repair();
  return repaired;
};

async function repair(): Promise<readonly string[]> {
  const found = await examineLibraries().catch((error: unknown) => {
    log.error("the unpacked native libraries cannot be read", { error: reason(error) });
    return null;
  });
  if (found === null || found.damaged.length === 0) return [];
  const { folder, damaged } = found;
  try {
    await replaceLibraries(folder, damaged);
    log.warn("native libraries had changed since they were unpacked; they were unpacked again", {
      folder,
      files: damaged,
    });
    return damaged;
  } catch (error) {
    log.error(
      "native libraries have changed since they were unpacked and cannot be replaced; remove their folder",
      { folder, files: damaged, error: reason(error) },
    );
    return [];
  }
}
