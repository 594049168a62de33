/** Paints strokes with round ends and soft edges into a canvas of coverage, from which pictures are blended. */
import type { Size } from "../protocol/work.ts";
import type { Stroke } from "./overlay-font.ts";

/** A canvas of `width` × `height` pixels that strokes cover by 0 to 1. */
export class StrokeInk {
  readonly width: number;
  readonly height: number;
  /** A share a pixel, row by row. */
  readonly cover: Float32Array;

  constructor({ width, height }: Size) {
    this.width = width;
    this.height = height;
    this.cover = new Float32Array(width * height);
  }

  /** Adds a stroke between two points, in pixels. */
  draw([x1, y1, x2, y2]: Stroke, radius: number): void {
    const [dx, dy] = [x2 - x1, y2 - y1];
    const length = dx * dx + dy * dy || 1;
    const reach = radius + 1;
    const [left, top] = [Math.min(x1, x2) - reach, Math.min(y1, y2) - reach];
    const right = Math.min(this.width - 1, Math.ceil(Math.max(x1, x2) + reach));
    const bottom = Math.min(this.height - 1, Math.ceil(Math.max(y1, y2) + reach));
    for (let y = Math.max(0, Math.floor(top)); y <= bottom; y++) {
      for (let x = Math.max(0, Math.floor(left)); x <= right; x++) {
        const along = clamp(((x + 0.5 - x1) * dx + (y + 0.5 - y1) * dy) / length);
        const distance = lengthOf(x + 0.5 - x1 - along * dx, y + 0.5 - y1 - along * dy);
        const at = y * this.width + x;
        this.cover[at] = Math.max(this.cover[at] ?? 0, clamp(radius + 0.5 - distance));
      }
    }
  }
}

/** Several times faster than `Math.hypot`. */
export const lengthOf = (x: number, y: number): number => Math.sqrt(x * x + y * y);

export const clamp = (value: number): number => Math.min(1, Math.max(0, value));
