/** A clock that asks for frames at a steady rate, for streams without input. */
import { TICKS_PER_SECOND, type Ticks, ticks } from "../../media/time.ts";
import type { Tick } from "../codec/video-frame.ts";

/**
 * Ticks in real time, `fps()` a second; the rate is read again for every tick. `start` is the pts of the first. A slow
 * reader misses ticks instead of getting them late. Ends when cancelled.
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
