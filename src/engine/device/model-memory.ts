/** Keeps loaded models within a limit: says which to unload when another one is loaded. */

/** What is known of a loaded model. */
export interface Resident {
  readonly name: string;
  /** About what it takes in memory. */
  readonly bytes: number;
  /** `performance.now()` of its last use. */
  readonly lastUsed: number;
}

/** A model that a stream used within this time is in use: unloading it would interrupt its streams. */
const IN_USE_MS = 2000;

/** What a loaded model takes besides its files, which may be a few hundred bytes: its thread, and memory of its runs. */
const THREAD_BYTES = 60 * 1024 * 1024;

/** About what a model with files of this size takes in memory. */
export const residentBytes = (fileBytes: number): number => fileBytes + THREAD_BYTES;

/**
 * The models to unload so that `bytes` more fit into `limit`: those used least recently, and none that is in use. Where
 * that is not enough, the limit is exceeded rather than a stream interrupted.
 */
export function modelsToUnload<T extends Resident>(
  residents: readonly T[],
  bytes: number,
  limit: number,
  now: number,
): T[] {
  let total = bytes + residents.reduce((sum, each) => sum + each.bytes, 0);
  const unloaded: T[] = [];
  for (const resident of residents.toSorted((a, b) => a.lastUsed - b.lastUsed)) {
    if (total <= limit) break;
    if (now - resident.lastUsed < IN_USE_MS) continue;
    unloaded.push(resident);
    total -= resident.bytes;
  }
  return unloaded;
}
