/** Copies planes of pixels on the main thread, with pauses in large ones for the frames of other streams. */

/** Bytes copied in one go: a millisecond or two, also where the memory is new and every page is a fault. */
const SLICE_BYTES = 2 * 1024 * 1024;

/** Rows of samples in memory. */
export interface Plane {
  readonly bytes: Uint8Array;
  /** Bytes from the start of one row to the start of the next. */
  readonly stride: number;
}

/** Copies `height` rows of `width` bytes. Both planes must stay allocated until the result resolves. */
export async function copyPlane(
  from: Plane,
  to: Plane,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<void> {
  const rowsAtOnce = Math.max(1, Math.floor(SLICE_BYTES / width));
  for (let row = 0; row < height; row += rowsAtOnce) {
    if (row > 0) await new Promise((resolve) => setImmediate(resolve));
    copyRows(from, to, { width, from: row, to: Math.min(height, row + rowsAtOnce) });
  }
}

function copyRows(
  from: Plane,
  to: Plane,
  rows: { readonly width: number; readonly from: number; readonly to: number },
): void {
  const { width } = rows;
  if (from.stride === width && to.stride === width) {
    to.bytes.set(from.bytes.subarray(rows.from * width, rows.to * width), rows.from * width);
    return;
  }
  for (let row = rows.from; row < rows.to; row++) {
    const start = row * from.stride;
    to.bytes.set(from.bytes.subarray(start, start + width), row * to.stride);
  }
}
