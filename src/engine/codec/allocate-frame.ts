/** Allocates native frames to draw into. */
import type { Size } from "../protocol/work.ts";
import { type AV_PIX_FMT_YUV420P, type AV_PIX_FMT_YUVA420P, check, Frame } from "./libav.ts";

/** A frame with buffers of its own, whose samples are undefined; the caller owns it. */
export function allocateFrame(
  { width, height }: Size,
  format: typeof AV_PIX_FMT_YUV420P | typeof AV_PIX_FMT_YUVA420P,
): Frame {
  const frame = new Frame();
  frame.alloc();
  frame.width = width;
  frame.height = height;
  frame.format = format;
  try {
    check(frame.getBuffer(), `allocate a ${width}x${height} frame`);
  } catch (error) {
    frame.free();
    throw error;
  }
  return frame;
}
