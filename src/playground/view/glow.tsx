/** Fills the stage beside the picture with the picture's own colours, blurred. */
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** Size of the canvas in pixels: small enough that scaling it up blurs it. */
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
