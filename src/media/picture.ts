/** Declares uncompressed pictures as models see them. */

/**
 * Planar RGB, 8 bits a sample: the bytes of a `uint8` tensor `[1, 3, height, width]`, rows packed,
 * planes in the order R, G, B. `data` spans its whole `ArrayBuffer`, so that it can be transferred
 * to a worker; whoever transfers it loses it.
 */
export interface Picture {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

/** Bytes a picture of this size takes. */
export const pictureBytes = (width: number, height: number): number => width * height * 3;
