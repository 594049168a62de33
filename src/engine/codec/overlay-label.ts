/** Paints the overlay's label as luma and alpha: a rounded box with a line of text and a thin progress bar. */
import type { Size } from "../protocol/work.ts";
import { CAP_STEPS, strokesOf } from "./overlay-font.ts";
import { clamp, lengthOf, StrokeInk } from "./stroke-ink.ts";

/** Progress from 0 to 1; or, where it is unknown, the seconds since the start, which move a piece to and fro. */
export type Bar = { readonly share: number } | { readonly runningFor: number };

export interface Label {
  /** The same text in ever fewer words: the first that fits is shown. */
  readonly wordings: readonly string[];
  readonly bar: Bar | null;
}

const BLACK = 16;
const WHITE = 235;
const BOX_ALPHA = 0.6;
const TRACK_LUMA = 95;
/** The moving piece of unknown progress: its share of the bar, and its seconds from end to end. */
const PIECE = 0.25;
const SWEEP_SECONDS = 1.6;

/**
 * The label for frames of one size: its position, and `width` × `height` bytes of luma (limited range) and of alpha.
 * All lengths are even, as 4:2:0 requires.
 */
export class LabelCanvas {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly luma: Uint8Array;
  readonly alpha: Uint8Array;
  readonly #step: number;
  readonly #pad: number;
  readonly #barHeight: number;
  #painted: string | null = null;
  #boxWidth = 0;

  constructor(frame: Size) {
    const side = Math.min(frame.width, frame.height);
    const cap = 6 + side / 60;
    const margin = even(Math.max(4, side * 0.03));
    this.#step = cap / CAP_STEPS;
    this.#pad = Math.round(cap * 0.8);
    this.#barHeight = Math.max(2, Math.round(cap / 6));
    this.width = even(Math.min(frame.width - 2 * margin, 34 * cap));
    this.height = even(2 * this.#pad + cap + 4.2 * this.#step + this.#barHeight - this.#pad * 0.3);
    this.x = margin;
    this.y = even(frame.height - margin - this.height);
    this.luma = new Uint8Array(this.width * this.height).fill(BLACK);
    this.alpha = new Uint8Array(this.width * this.height);
  }

  /** Paints the label into `luma` and `alpha`. Text is painted only when it has changed, the bar each time. */
  paint({ wordings, bar }: Label): void {
    const wanted = wordings.join();
    if (wanted !== this.#painted) this.#paintText(this.#fitting(wordings), bar);
    this.#painted = wanted;
    this.#paintBar(bar);
  }

  #fitting(wordings: readonly string[]): string {
    const room = (this.width - 2 * this.#pad) / this.#step;
    return wordings.find((each) => strokesOf(each).width <= room) ?? wordings.at(-1) ?? "";
  }

  #paintText(text: string, bar: Label["bar"]): void {
    const { strokes, width } = strokesOf(text);
    const capHeight = CAP_STEPS * this.#step;
    const top = bar === null ? (this.height - capHeight) / 2 : this.#pad;
    this.#boxWidth = even(Math.min(this.width, width * this.#step + 2 * this.#pad));
    const ink = new StrokeInk(this);
    const [step, pad, radius] = [this.#step, this.#pad, Math.max(0.6, this.#step * 0.52)];
    for (const [x1, y1, x2, y2] of strokes) {
      ink.draw([x1 * step + pad, y1 * step + top, x2 * step + pad, y2 * step + top], radius);
    }
    for (let at = 0; at < ink.cover.length; at++) {
      const cover = ink.cover[at] ?? 0;
      const box = BOX_ALPHA * this.#boxCover(at % this.width, Math.floor(at / this.width));
      const alpha = box + (1 - box) * cover;
      this.alpha[at] = 255 * alpha;
      this.luma[at] = cover > 0 ? BLACK + ((WHITE - BLACK) * cover) / alpha : BLACK;
    }
  }

  /** The share of a pixel that the box covers; its corners are rounded. */
  #boxCover(x: number, y: number): number {
    const radius = this.#pad * 0.8;
    const outsideX = Math.max(0, radius - x - 0.5, x + 0.5 - (this.#boxWidth - radius));
    const outsideY = Math.max(0, radius - y - 0.5, y + 0.5 - (this.height - radius));
    return clamp(radius + 0.5 - lengthOf(outsideX, outsideY));
  }

  #paintBar(bar: Bar | null): void {
    const left = this.#pad;
    const length = Math.max(0, this.#boxWidth - 2 * this.#pad);
    const [from, to] = filledRange(bar);
    const bottom = this.height - Math.round(this.#pad * 0.7);
    for (let row = bottom - this.#barHeight; row < bottom; row++) {
      const start = row * this.width + left;
      if (bar === null) {
        this.luma.fill(BLACK, start, start + length);
        this.alpha.fill(255 * BOX_ALPHA, start, start + length);
        continue;
      }
      this.alpha.fill(230, start, start + length);
      this.luma.fill(TRACK_LUMA, start, start + length);
      this.luma.fill(WHITE, start + Math.round(from * length), start + Math.round(to * length));
    }
  }
}

/** The filled part of the bar's track, in shares of its length. */
function filledRange(bar: Bar | null): [from: number, to: number] {
  if (bar === null) return [0, 0];
  if ("share" in bar) return [0, clamp(bar.share)];
  const phase = (bar.runningFor / SWEEP_SECONDS) % 2;
  const at = (1 - PIECE) * (phase < 1 ? phase : 2 - phase);
  return [at, at + PIECE];
}

const even = (value: number): number => 2 * Math.floor(value / 2);
