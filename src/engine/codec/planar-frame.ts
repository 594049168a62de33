/** Writes pictures into frames of planar RGB, and finds the planes of such frames. */
import type { Picture } from "../../media/picture.ts";
import { AV_PIX_FMT_GBRP, check, Frame } from "./libav.ts";
import { copyPlane, type Plane } from "./plane-copy.ts";

/** Where FFmpeg's GBRP keeps the planes R, G and B. */
const RGB_PLANES = [2, 0, 1] as const;

/** The planes R, G and B of a GBRP frame. Valid until the frame is freed. */
export function rgbPlanes({ data, linesize }: Frame): Plane[] {
  return RGB_PLANES.map((index) => {
    const bytes = data?.[index];
    const stride = linesize[index];
    if (!bytes || !stride) throw new Error(`frame has no plane ${index}`);
    return { bytes, stride };
  });
}

/**
 * One frame that is written again and again. Bun never takes back what a native frame has added to the memory that its garbage
 * collector counts, so that new frames bring the next collection nearer. Calls must not overlap.
 */
export class PlanarFrame implements Disposable {
  #frame: Frame | null = null;
  #planes: readonly Plane[] = [];

  /** A GBRP frame with the picture. It stays this object's, and holds the picture until the next call. */
  async write({ width, height, data }: Picture): Promise<Frame> {
    const frame = this.#writable(width, height);
    for (const [position, plane] of this.#planes.entries()) {
      const bytes = data.subarray(position * width * height);
      await copyPlane({ bytes, stride: width }, plane, { width, height });
    }
    return frame;
  }

  /** A new frame where the size has changed, or something still refers to the last picture. */
  #writable(width: number, height: number): Frame {
    const last = this.#frame;
    if (last?.width === width && last.height === height && last.isWritable) return last;
    this[Symbol.dispose]();
    const frame = new Frame();
    frame.alloc();
    this.#frame = frame;
    frame.width = width;
    frame.height = height;
    frame.format = AV_PIX_FMT_GBRP;
    try {
      check(frame.getBuffer(), `allocate a ${width}x${height} frame`);
      this.#planes = rgbPlanes(frame);
      return frame;
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#frame?.free();
    this.#frame = null;
    this.#planes = [];
  }
}
