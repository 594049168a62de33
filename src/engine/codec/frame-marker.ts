/** Chooses, reads and draws the markers of native frames: see media/marker.ts for their layout. */
import { markerBlocks, markerTime, readMarker } from "../../media/marker.ts";
import type { Marker } from "../protocol/work.ts";
import {
  AV_PIX_FMT_NV12,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVJ420P,
  check,
  type Frame,
} from "./libav.ts";
import { type Tick, VideoFrame } from "./video-frame.ts";

/** Formats whose first plane is luma, a byte a pixel. */
const READABLE: readonly number[] = [AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_NV12];
/** Limited range, which encoders take unless they are told otherwise. */
const LUMA = { black: 16, white: 235 } as const;
const NO_COLOUR = 128;

/** The number to draw into what is made of this frame or tick; null for none. Reads the frame where that is asked for. */
export function markerFor(marker: Marker | undefined, tick: Tick): number | null {
  switch (marker) {
    case undefined:
    case "none":
      return null;
    case "time":
      return markerTime(Date.now() - (performance.now() - tick.arrivedAt));
    case "input":
      return tick instanceof VideoFrame ? markerIn(tick.native) : null;
    default:
      return marker satisfies never;
  }
}

/** The number that the frame shows; null where it shows no marker, or is not 4:2:0 with 8 bits. */
export function markerIn(frame: Frame): number | null {
  const luma = frame.data?.[0];
  const stride = frame.linesize[0];
  if (!luma || !stride || !READABLE.includes(frame.format)) return null;
  return readMarker(frame, (x, y) => luma[y * stride + x] ?? 0);
}

/** Draws a number into a yuv420p frame. Pixels that other frames share are copied before. */
export function drawMarker(frame: Frame, number: number): void {
  check(frame.makeWritable(), "make a frame writable");
  const [luma, ...chroma] = frame.data ?? [];
  const [stride = 0, ...chromaStrides] = frame.linesize;
  for (const { x, y, width, height, shade } of markerBlocks(number, frame)) {
    if (luma) fill(luma, stride, { x, y, width, height }, LUMA[shade]);
    const half = { x: x / 2, y: y / 2, width: width / 2, height: height / 2 };
    for (const at of [0, 1]) {
      const plane = chroma[at];
      if (plane) fill(plane, chromaStrides[at] ?? 0, half, NO_COLOUR);
    }
  }
}

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function fill(plane: Uint8Array, stride: number, { x, y, width, height }: Area, value: number) {
  for (let row = y; row < y + height; row++) {
    plane.fill(value, row * stride + x, row * stride + x + width);
  }
}
