/** Turns decoded frames into what a screen shows: progressive, with square pixels, upright. */
import { type Orientation, orientationOf, type PixelAspect } from "../../media/display.ts";
import type { VideoCodec, VideoPacket } from "../../media/encoded-packet.ts";
import { Deinterlacer } from "./deinterlacer.ts";
import { sameShape } from "./filter-graph.ts";
import { type FilterStep, FrameFilter, shapeOf } from "./frame-filter.ts";
import { AV_FRAME_DATA_DISPLAYMATRIX, AV_FRAME_FLAG_KEY, type Frame } from "./libav.ts";
import type { FramePool, VideoFrame } from "./video-frame.ts";

/** How a container says that its pictures are shown. */
export type DisplayHints = Pick<VideoPacket, "orientation" | "pixelAspect">;

/** Pixels further from square than this are a damaged field. */
const MAX_ASPECT = 8;

export interface DisplayFilterOptions {
  readonly pool: FramePool;
  /** Correcting non-square pixels makes no frame larger than this. */
  readonly maxPixels: number;
}

/** Frames that are right already pass untouched. Calls must not overlap. */
export class DisplayFilter implements Disposable {
  readonly #pool: FramePool;
  /** Null for H.265, whose interlaced frames are single fields: there is nothing to take apart. */
  readonly #deinterlacer: Deinterlacer | null;
  readonly #maxPixels: number;
  /** From a display orientation SEI message, which counts until the next key frame (ISO/IEC 14496-10 §D.2.27). */
  #coded: Orientation | null = null;
  #geometry: { readonly filter: FrameFilter; readonly key: string } | null = null;

  constructor(codec: VideoCodec, { pool, maxPixels }: DisplayFilterOptions) {
    this.#pool = pool;
    this.#deinterlacer = codec === "hevc" ? null : new Deinterlacer(pool);
    this.#maxPixels = maxPixels;
  }

  /** Whether the frame is right as it is: `push` would only give it back. */
  passes(frame: VideoFrame, hints: DisplayHints): boolean {
    const { native } = frame;
    return (
      (this.#deinterlacer?.passes(native) ?? true) &&
      aspectOf(native, hints) === 1 &&
      this.#orientationOf(native, hints) === null
    );
  }

  /** Takes a frame; returns the frames that it completes, in order. All of them are the caller's. */
  async push(frame: VideoFrame, hints: DisplayHints): Promise<VideoFrame[]> {
    const frames = this.#deinterlacer ? await this.#deinterlacer.push(frame) : [frame];
    return await this.#correct(frames, hints);
  }

  /** Returns the frames that wait for another one. */
  async flush(hints: DisplayHints): Promise<VideoFrame[]> {
    return await this.#correct((await this.#deinterlacer?.flush()) ?? [], hints);
  }

  async #correct(frames: readonly VideoFrame[], hints: DisplayHints): Promise<VideoFrame[]> {
    const corrected: VideoFrame[] = [];
    for (const frame of frames) corrected.push(await this.#straighten(frame, hints));
    return corrected;
  }

  async #straighten(frame: VideoFrame, hints: DisplayHints): Promise<VideoFrame> {
    const steps = [
      ...this.#squareSteps(frame, hints),
      ...uprightSteps(this.#orientationOf(frame.native, hints)),
    ];
    if (steps.length === 0) return frame;
    using input = frame;
    const straight = await this.#filterFor(input.native, steps).run(input.native);
    // A graph does not carry these on.
    straight.colorSpace = input.native.colorSpace;
    straight.colorRange = input.native.colorRange;
    return this.#pool.adopt(straight, input);
  }

  /** The orientation of a frame: what its stream says, otherwise what its container says. */
  #orientationOf(frame: Frame, { orientation }: DisplayHints): Orientation | null {
    const matrix = frame.getSideData(AV_FRAME_DATA_DISPLAYMATRIX);
    if (matrix) {
      this.#coded = orientationOf([...new Int32Array(new Uint8Array(matrix).buffer)]);
    } else if (frame.hasFlags(AV_FRAME_FLAG_KEY)) {
      this.#coded = null;
    }
    return this.#coded ?? orientation ?? null;
  }

  /** Scales to square pixels: the height stays, as players have it, unless the width grows too far. */
  #squareSteps({ native, width, height }: VideoFrame, hints: DisplayHints): FilterStep[] {
    const aspect = aspectOf(native, hints);
    if (aspect === 1) return [];
    const wide = even(width * aspect);
    const fits = wide * height <= Math.max(this.#maxPixels, width * height);
    const size = fits ? `${wide}:${height}` : `${width}:${even(height / aspect)}`;
    return [["scale", `${size}:flags=bicubic`]];
  }

  #filterFor(frame: Frame, steps: readonly FilterStep[]): FrameFilter {
    const key = steps.join();
    const shape = shapeOf(frame);
    const known = this.#geometry;
    if (known?.key === key && sameShape(known.filter.input, shape)) return known.filter;
    known?.filter[Symbol.dispose]();
    this.#geometry = null;
    const filter = new FrameFilter(shape, steps);
    this.#geometry = { filter, key };
    return filter;
  }

  [Symbol.dispose](): void {
    this.#deinterlacer?.[Symbol.dispose]();
    this.#geometry?.filter[Symbol.dispose]();
    this.#geometry = null;
  }
}

/** Width to height of a pixel, as the container says, or the coded stream. */
function aspectOf(frame: Frame, { pixelAspect }: DisplayHints): number {
  const { num, den } = frame.sampleAspectRatio;
  const coded: PixelAspect = { width: num, height: den };
  const { width, height } = pixelAspect ?? coded;
  const aspect = width / height;
  return aspect >= 1 / MAX_ASPECT && aspect <= MAX_ASPECT ? aspect : 1;
}

const TURNS = {
  0: [],
  90: [["transpose", "clock"]],
  180: [
    ["hflip", ""],
    ["vflip", ""],
  ],
  270: [["transpose", "cclock"]],
} as const satisfies Record<Orientation["rotation"], readonly FilterStep[]>;

function uprightSteps(orientation: Orientation | null): readonly FilterStep[] {
  if (!orientation) return [];
  const flip: readonly FilterStep[] = orientation.mirrored ? [["hflip", ""]] : [];
  return [...flip, ...TURNS[orientation.rotation]];
}

const even = (value: number): number => Math.max(2, Math.round(value / 2) * 2);
