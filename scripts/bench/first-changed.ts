/** Hides how the first picture is found that a change made, among pictures that move by themselves. */
import type { Picture } from "./join-probe.ts";

/** Mean distance of two pictures, 0 to 255, that a viewer sees when it comes at once. */
const VISIBLE = 1.5;
/** The motion of so long before the change is what a picture does by itself. */
const MOTION_MS = 600;

/** The first picture after `changedAt` that is further from the one on screen then than motion explains. */
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
