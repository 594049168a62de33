/** Finds the first picture that shows a change, among pictures that move by themselves. */
import type { Picture } from "./join-probe.ts";

/** Mean distance of two pictures (0 to 255) that a viewer notices when it appears at once. */
const VISIBLE = 1.5;
/** Time before the change over which the picture's own motion is measured. */
const MOTION_MS = 600;

/** The first picture after `changedAt` that differs from the one shown at that time by more than its own motion. */
export function firstChanged(pictures: readonly Picture[], changedAt: number): Picture | undefined {
  const before = pictures.filter(({ at }) => at <= changedAt && at > changedAt - MOTION_MS);
  const last = before.at(-1);
  if (!last) return undefined;
  const motion = Math.max(...before.map((picture) => distance(picture, last)));
  const bound = Math.max(VISIBLE, 2 * motion);
  return pictures.find((picture) => picture.at > changedAt && distance(picture, last) > bound);
}

const distance = (one: Picture, other: Picture): number =>
  one.pixels.reduce((sum, value, index) => sum + Math.abs(value - (other.pixels[index] ?? 0)), 0) /
  one.pixels.length;
