/** Measures how old the pictures are that a video element shows, by the marker in their corner. */
import { markerAge, markerArea, readMarker } from "../../media/marker.ts";
import { DelayMeter } from "./delay-meter.ts";

/** Whether this browser says when it shows a picture. */
export const canMeasureDelay = "requestVideoFrameCallback" in HTMLVideoElement.prototype;

const REPORT_EVERY_MS = 250;

export interface DelayOptions {
  /** The clock that the markers follow, in milliseconds since 1970. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** Called a few times a second while pictures come; null while they show no marker. */
  readonly onDelay: (ms: number | null) => void;
}

/** Reads the pictures until the signal aborts. */
export function followDelay(video: HTMLVideoElement, { now, signal, onDelay }: DelayOptions): void {
  const meter = new DelayMeter();
  const corner = new CornerReader();
  let reportedAt = 0;
  const onPicture = (calledAt: number, { expectedDisplayTime }: VideoFrameCallbackMetadata) => {
    if (signal.aborted) return;
    const number = corner.read(video);
    const shownAt = now() + expectedDisplayTime - performance.now();
    if (number !== null) meter.add({ at: calledAt, age: markerAge(number, shownAt) });
    if (calledAt - reportedAt >= REPORT_EVERY_MS) {
      reportedAt = calledAt;
      onDelay(meter.median(calledAt));
    }
    video.requestVideoFrameCallback(onPicture);
  };
  video.requestVideoFrameCallback(onPicture);
}

/** Reads the marker of the current picture; copies the pixels of its corner alone. */
class CornerReader {
  readonly #context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

  read(video: HTMLVideoElement): number | null {
    const size = { width: video.videoWidth, height: video.videoHeight };
    if (this.#context === null || size.width === 0) return null;
    const { width, height } = markerArea(size);
    const { canvas } = this.#context;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    this.#context.drawImage(video, 0, 0, width, height, 0, 0, width, height);
    const { data } = this.#context.getImageData(0, 0, width, height);
    const at = (place: number): number => data[place] ?? 0;
    return readMarker(size, (x, y) => {
      const place = (y * width + x) * 4;
      return 0.299 * at(place) + 0.587 * at(place + 1) + 0.114 * at(place + 2);
    });
  }
}
