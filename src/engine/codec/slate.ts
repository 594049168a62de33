/** Draws slates: calm, dark pictures with a sign and a few words, shown where a stream has nothing else to show. */
import type { Size } from "../protocol/work.ts";
import { allocateFrame } from "./allocate-frame.ts";
import { AV_PIX_FMT_YUV420P, type Frame } from "./libav.ts";
import { CAP_STEPS, type Stroke, strokesOf } from "./overlay-font.ts";
import { StrokeInk } from "./stroke-ink.ts";

/** `paused`: the stream rests. `waiting`: its pictures will come. */
export type SlateKind = "paused" | "waiting";

interface Slate {
  /** Strokes in units of the sign's height, around its centre. */
  readonly sign: readonly Stroke[];
  /** Half the width of a stroke, in the same unit. */
  readonly radius: number;
  /** The same text in ever fewer words: the first that fits is shown. */
  readonly wordings: readonly string[];
}

const SLATES: Readonly<Record<SlateKind, Slate>> = {
  paused: {
    sign: [
      [-0.24, -0.4, -0.24, 0.4],
      [0.24, -0.4, 0.24, 0.4],
    ],
    radius: 0.1,
    wordings: ["paused"],
  },
  waiting: {
    sign: [-0.5, 0, 0.5].map((x): Stroke => [x, 0.1, x, 0.1]),
    radius: 0.13,
    wordings: ["one moment", "wait"],
  },
};

/** Luma of the first row and of the last, and of what is drawn; the colour difference is a bluish grey everywhere. */
const TOP = 46;
const BOTTOM = 24;
const INK = 190;
const [U, V] = [133, 125];

/** A yuv420p frame in limited range, which the caller owns. */
export function drawSlate(size: Size, kind: SlateKind): Frame {
  const frame = allocateFrame(size, AV_PIX_FMT_YUV420P);
  const [luma, u, v] = frame.data ?? [];
  const [stride = 0] = frame.linesize;
  if (!luma) throw new Error("a frame has no luma");
  u?.fill(U);
  v?.fill(V);
  for (let y = 0; y < size.height; y++) {
    luma.fill(ditheredRow(y, size.height), y * stride, y * stride + size.width);
  }
  blend(inkOf(SLATES[kind], size), { luma, stride }, size);
  return frame;
}

/** Eight samples of a row of the gradient, to be repeated: without dither its steps would show as bands. */
function ditheredRow(y: number, height: number): Uint8Array {
  const value = TOP + ((BOTTOM - TOP) * y) / Math.max(1, height - 1);
  const base = Math.floor(value);
  return Uint8Array.from({ length: 8 }, (_, x) => base + (value - base > threshold(x, y) ? 1 : 0));
}

/** Bayer's matrix of 8 × 8. */
function threshold(x: number, y: number): number {
  let rank = 0;
  for (const bit of [0, 1, 2]) {
    rank = (rank << 2) | ((((x ^ y) >> bit) & 1) << 1) | ((y >> bit) & 1);
  }
  return (rank + 0.5) / 64;
}

/** The sign above its words, in a canvas for the middle of the picture. */
function inkOf({ sign, radius, wordings }: Slate, size: Size): StrokeInk {
  const side = Math.min(size.width, size.height);
  const cap = Math.max(7, side / 20);
  const signHeight = Math.max(12, side / 6);
  const step = cap / CAP_STEPS;
  const texts = wordings.map(strokesOf);
  const text = texts.find(({ width }) => width * step <= size.width * 0.9);
  const ink = new StrokeInk({
    width: size.width,
    height: Math.min(size.height, Math.ceil(signHeight + 4 * cap)),
  });
  const middle = ink.width / 2;
  for (const [x1, y1, x2, y2] of sign) {
    const [at, beside] = [
      (y: number) => (0.5 + y) * signHeight,
      (x: number) => middle + x * signHeight,
    ];
    ink.draw([beside(x1), at(y1), beside(x2), at(y2)], radius * signHeight);
  }
  const [left, top] = [middle - ((text?.width ?? 0) * step) / 2, signHeight + 1.6 * cap];
  for (const [x1, y1, x2, y2] of text?.strokes ?? []) {
    const line: Stroke = [x1 * step + left, y1 * step + top, x2 * step + left, y2 * step + top];
    ink.draw(line, Math.max(0.6, step * 0.48));
  }
  return ink;
}

/** Draws a canvas of the picture's width over its middle rows. */
function blend(
  ink: StrokeInk,
  { luma, stride }: { readonly luma: Uint8Array; readonly stride: number },
  size: Size,
): void {
  const top = Math.max(0, Math.floor((size.height - ink.height) / 2));
  for (let y = 0; y < ink.height; y++) {
    for (let x = 0; x < ink.width; x++) {
      const cover = ink.cover[y * ink.width + x] ?? 0;
      if (cover === 0) continue;
      const at = (top + y) * stride + x;
      const below = luma[at] ?? 0;
      luma[at] = below + (INK - below) * cover;
    }
  }
}
