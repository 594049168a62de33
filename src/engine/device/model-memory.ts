/** Keeps loaded models within a limit: says what each takes, and which to unload when another one is loaded. */

import type { UsableModel } from "../models/catalogue-entry.ts";
import type { ModelDefinition } from "../models/definition.ts";
import type { Device } from "./devices.ts";

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

const MIB = 1024 * 1024;

/**
 * What a loaded model takes besides its files, which may be a few hundred bytes: its thread, and memory of its runs. A
 * pipeline has half a dozen sessions (with networks of 2 to 6 MB 93 to 115 MB were measured).
 */
const THREAD_BYTES = { network: 60 * MIB, pipeline: 120 * MIB } as const;

/** About what a model takes in memory between its runs. */
export const residentBytes = ({ bytes, program }: Pick<UsableModel, "bytes" | "program">): number =>
  bytes + ("pipeline" in program ? THREAD_BYTES.pipeline : THREAD_BYTES.network);

/** Files beyond which a model is not loaded a second time for large pictures. */
const MAX_COPIED = 512 * MIB;

/** True if large pictures of a model have threads of their own, each with its weights once more: see `SizeThreads`. */
export const separatesSizes = (
  device: Pick<Device, "separatesSizes">,
  { picture, bytes }: Pick<ModelDefinition, "picture"> & Pick<UsableModel, "bytes">,
): boolean => device.separatesSizes && picture?.size == null && bytes <= MAX_COPIED;

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
