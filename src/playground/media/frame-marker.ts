/** Draws markers into the frames of a camera. */
import { markerBlocks } from "../../media/marker.ts";

export class FrameMarker {
  readonly #context = new OffscreenCanvas(1, 1).getContext("2d");

  /** Returns a copy of the frame with the number in its corner, and closes the frame. */
  mark(frame: VideoFrame, number: number): VideoFrame {
    const context = this.#context;
    if (context === null) return frame; // this browser has no room for a canvas
    const { canvas } = context;
    const { displayWidth: width, displayHeight: height, timestamp } = frame;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    context.drawImage(frame, 0, 0);
    frame.close();
    for (const { x, y, shade, ...block } of markerBlocks(number, { width, height })) {
      context.fillStyle = shade;
      context.fillRect(x, y, block.width, block.height);
    }
    return new VideoFrame(canvas, { timestamp });
  }
}
