/** Draws the picture that models are checked with: independent gradients, plain colours, edges, a disc and text. */
import { CAP_STEPS, strokesOf } from "../../engine/codec/overlay-font.ts";
import { type Picture, pictureBytes } from "../../media/picture.ts";

type Colour = readonly [red: number, green: number, blue: number];

const SIZE = 512;
const HALF = SIZE / 2;
const BLACK: Colour = [0, 0, 0];
const WHITE: Colour = [255, 255, 255];

/** Two rows of plain colours. */
const PATCHES: readonly (readonly Colour[])[] = [
  [WHITE, [255, 255, 0], [0, 255, 255], [0, 255, 0]],
  [[255, 0, 255], [255, 0, 0], [0, 0, 255], BLACK],
];
const PATCH = { width: HALF / 4, height: HALF / 2 };

/** A skin tone on a checkerboard of grays. */
const DISC = { x: 384, y: 384, radius: 90, colour: [224, 172, 105] } as const;
const CHECK = 16;
const GRAYS = [
  [64, 64, 64],
  [192, 192, 192],
] as const;

const TEXT = { content: "TEST 123", x: 40, top: 90, step: 9, thickness: 5 } as const;

/**
 * A picture of 512 × 512. The channels are independent of each other, so that a network which swaps them shows: above,
 * red rises to the right, blue downwards, and green in between, with black text; below are colours and edges.
 */
export function drawTestPicture(): Picture {
  const data = new Uint8Array(pictureBytes(SIZE, SIZE));
  const plane = SIZE * SIZE;
  const isInk = inkOf(TEXT.content);
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      const at = y * SIZE + x;
      const [red, green, blue] = y >= HALF ? below(x, y) : isInk(x, y) ? BLACK : gradient(x, y);
      data[at] = red;
      data[plane + at] = green;
      data[2 * plane + at] = blue;
    }
  }
  return { data, width: SIZE, height: SIZE };
}

function gradient(x: number, y: number): Colour {
  const wave = 0.5 + 0.5 * Math.sin((x - y) / 40);
  return [(255 * x) / (SIZE - 1), 255 * wave, (255 * y) / (HALF - 1)];
}

function below(x: number, y: number): Colour {
  if (x < HALF) {
    const row = PATCHES[Math.floor((y - HALF) / PATCH.height)];
    return row?.[Math.floor(x / PATCH.width)] ?? BLACK;
  }
  if (Math.hypot(x - DISC.x, y - DISC.y) <= DISC.radius) return DISC.colour;
  return GRAYS[(Math.floor(x / CHECK) + Math.floor(y / CHECK)) % 2 === 0 ? 0 : 1];
}

/** True for the pixels of the text. */
function inkOf(text: string): (x: number, y: number) => boolean {
  const { strokes } = strokesOf(text);
  const { step, thickness, top } = TEXT;
  const bottom = top + CAP_STEPS * step;
  return (x, y) => {
    if (y < top - thickness || y > bottom + thickness) return false;
    return strokes.some(([x1, y1, x2, y2]) => {
      const [fromX, fromY] = [TEXT.x + x1 * step, top + y1 * step];
      const [dx, dy] = [(x2 - x1) * step, (y2 - y1) * step];
      const along = ((x - fromX) * dx + (y - fromY) * dy) / (dx * dx + dy * dy || 1);
      const share = Math.min(1, Math.max(0, along));
      return Math.hypot(x - fromX - share * dx, y - fromY - share * dy) <= thickness;
    });
  };
}
