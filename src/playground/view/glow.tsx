/** The picture's own colours, soft, where the stage is wider than the picture. */
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** So few pixels that scaling them up is all the blur there needs to be. */
const PIXELS = 12;
const EVERY_MS = 400;

export function Glow({ video }: { video: RefObject<HTMLVideoElement | null> }) {
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const from = video.current;
    const context = ref.current?.getContext("2d");
    if (from === null || !context) return;
    let drawnAt = 0;
    const draw = (now: number): void => {
      if (now - drawnAt > EVERY_MS) {
        drawnAt = now;
        context.drawImage(from, 0, 0, PIXELS, PIXELS);
      }
      request = from.requestVideoFrameCallback(draw);
    };
    let request = from.requestVideoFrameCallback(draw);
    return () => from.cancelVideoFrameCallback(request);
  }, [video]);
  return <canvas ref={ref} class="glow" width={PIXELS} height={PIXELS} />;
}
