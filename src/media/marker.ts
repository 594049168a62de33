/**
 * Lays out a marker: a 32-bit number as black and white blocks at the top left of a picture, readable after lossy coding
 * and scaling. Senders, engines and players use it to measure how long a picture takes from one to the other.
 */

/** Blocks in a row of the marker, and rows: 32 bits of the number, then 16 bits of its checksum, highest bits first. */
const COLUMNS = 8;
const ROWS = 6;
const NUMBER_BITS = 32;
/** A block is this part of the picture's width and height, so that a scaled picture can still be read. */
const WIDTH_PARTS = 32;
const HEIGHT_PARTS = 24;
/** In pixels: as small as survives a low bitrate. 64 × 64, the smallest output, has room for such blocks. */
const MIN_SIDE = 8;

interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** One block in pixels of the picture; the edges are even, as 4:2:0 wants them. */
export interface MarkerBlock {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly shade: "black" | "white";
}

/** The marker's part of a picture, from its top left corner: all that needs to be read. */
export function markerArea(size: PictureSize): PictureSize {
  const side = sideOf(size);
  return { width: edge(COLUMNS, side), height: edge(ROWS, side) };
}

/**
 * Returns the blocks that show a number, an integer from 0 to 2^32 - 1.
 *
 * @example
 * for (const { x, y, width, height, shade } of markerBlocks(markerTime(Date.now()), canvas)) {
 *   context.fillStyle = shade;
 *   context.fillRect(x, y, width, height);
 * }
 */
export function markerBlocks(number: number, size: PictureSize): MarkerBlock[] {
  const side = sideOf(size);
  const sum = checksum(number);
  return Array.from({ length: COLUMNS * ROWS }, (_, at) => {
    const [column, row] = [at % COLUMNS, Math.floor(at / COLUMNS)];
    const bit = at < NUMBER_BITS ? number >>> (NUMBER_BITS - 1 - at) : sum >>> (47 - at);
    const [x, y] = [edge(column, side), edge(row, side)];
    const [width, height] = [edge(column + 1, side) - x, edge(row + 1, side) - y];
    return { x, y, width, height, shade: bit & 1 ? "white" : "black" };
  });
}

/**
 * Reads the number from a picture; null where it shows no marker.
 *
 * @param size of the whole picture
 * @param lumaAt brightness from 0 to 255 of the pixel in column x and row y, within `markerArea`
 */
export function readMarker(
  size: PictureSize,
  lumaAt: (x: number, y: number) => number,
): number | null {
  const side = sideOf(size);
  if (edge(COLUMNS, side) > size.width || edge(ROWS, side) > size.height) return null;
  let number = 0;
  let sum = 0;
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      const bit = brightness(lumaAt, column * side, row * side, side) > MIDDLE ? 1 : 0;
      if (row * COLUMNS + column < NUMBER_BITS) number = ((number << 1) | bit) >>> 0;
      else sum = (sum << 1) | bit;
    }
  }
  return sum === checksum(number) ? number : null;
}

/** The number that stands for a time: `Date.now()` modulo 2^32 milliseconds, which are 49 days. */
export const markerTime = (ms: number): number => Math.floor(ms) >>> 0;

/** Milliseconds from the time of a marker until `now` (`Date.now()`); negative where the marker's clock is ahead. */
export const markerAge = (number: number, now: number): number => (markerTime(now) - number) | 0;

/** Halfway between black and white, in full as in limited range. */
const MIDDLE = 128;

/** Side of a block in pixels. */
const sideOf = ({ width, height }: PictureSize): number =>
  Math.max(MIN_SIDE, Math.min(width / WIDTH_PARTS, height / HEIGHT_PARTS));

/** Where the block of this index begins: the nearest even pixel. */
const edge = (index: number, side: number): number => 2 * Math.round((index * side) / 2);

/** Mean of nine pixels in the middle of a block: coding blurs its edges. */
function brightness(
  lumaAt: (x: number, y: number) => number,
  left: number,
  top: number,
  side: number,
): number {
  let sum = 0;
  for (let row = 2; row <= 4; row++)
    for (let column = 2; column <= 4; column++)
      sum += lumaAt(Math.floor(left + (side * column) / 6), Math.floor(top + (side * row) / 6));
  return sum / 9;
}

/** CRC-16/CCITT-FALSE of the number's four bytes: neither a black nor a white corner passes. */
function checksum(number: number): number {
  let crc = 0xffff;
  for (let bit = NUMBER_BITS - 1; bit >= 0; bit--) {
    const isDifferent = ((crc >>> 15) ^ (number >>> bit)) & 1;
    crc = ((crc << 1) & 0xffff) ^ (isDifferent ? 0x1021 : 0);
  }
  return crc;
}
