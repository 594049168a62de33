/** Grants memory to segments and reclaims it from segments that only slow readers still need. */
import type { Quota } from "./quota.ts";

/** A segment that no channel holds any more, but a reader does. */
export interface LingeringSegment {
  /** True if some of its memory is charged to the quota or to a share of it. */
  isChargedTo(quota: Quota): boolean;
  /** Returns all of its memory now. */
  free(): void;
}

/** The memory of all segments of a server. */
export class SegmentMemory {
  /** The longest-lingering first. */
  readonly #lingering = new Set<LingeringSegment>();

  /**
   * Charges the bytes to a quota. Where there is no room, lingering segments are freed to make some, the oldest first.
   * Returns null, or the quota that is exhausted.
   */
  take(quota: Quota, bytes: number): Quota | null {
    let exhausted = quota.exhaustedBy(bytes);
    for (const segment of this.#lingering) {
      if (exhausted === null) break;
      if (!segment.isChargedTo(exhausted)) continue;
      segment.free();
      exhausted = quota.exhaustedBy(bytes);
    }
    return exhausted ?? quota.take(bytes);
  }

  /** Marks a segment as one that may be freed when memory is needed. */
  addLingering(segment: LingeringSegment): void {
    this.#lingering.add(segment);
  }

  removeLingering(segment: LingeringSegment): void {
    this.#lingering.delete(segment);
  }
}
