/** Where there is no input a clock asks for pictures. */
import { TICKS_PER_SECOND, type Ticks, ticks } from "../../media/time.ts";
import type { Tick } from "../codec/video-frame.ts";

/**
 * Ticks at the wall clock's pace, `fps()` a second, asked again for every tick. `start` is the first
 * one's pts. A reader that is slow misses ticks instead of getting them late. Ends when cancelled.
 */
export function clock(start: Ticks, fps: () => number): ReadableStream<Tick> {
  const origin = performance.now();
  let due = origin;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wake: (() => void) | undefined;
  return new ReadableStream<Tick>(
    {
      async pull(controller) {
        const wait = due - performance.now();
        if (wait > 0) {
          await new Promise<void>((resolve) => {
            wake = resolve;
            timer = setTimeout(resolve, wait);
          });
        }
        const interval = 1000 / fps();
        due += Math.max(0, Math.floor((performance.now() - due) / interval)) * interval;
        const pts = ticks(start + Math.round(((due - origin) * TICKS_PER_SECOND) / 1000));
        controller.enqueue({ pts, arrivedAt: due });
        due += interval;
      },
      cancel() {
        clearTimeout(timer);
        wake?.();
      },
    },
    { highWaterMark: 0 },
  );
}
